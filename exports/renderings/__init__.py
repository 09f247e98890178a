"""Other shapes of the rows of a configuration: one file a rendering, named after its reader.

A file has `OF` (the configuration that it is made of), `ABOUT` (a sentence for the card), `COLUMNS`
(as in exports/formats; None where the card declares nothing) and `render(row)`, which returns a row,
or a list of rows, or raises `LeftOut`. `open_file` replaces JSON Lines by another kind of file, and
`extra_files` writes what the reader wants beside.
"""
