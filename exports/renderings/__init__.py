"""Other shapes of the rows of a configuration: one file a rendering, named after its reader."""
