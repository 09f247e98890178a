"""Other shapes of the rows of a configuration: one file each, named after its reader, with one object `RENDERING`
(`exports/renderings/base.py`)."""
