"""Source formats of imports: one file each, named as `import_dialogues` takes it. Reading files and storing what is
made of their records is `labeling/imports/`.

A file holds one object under the name `IMPORTER`; `base.Importer` says what it has. Nothing in here reads a file or
writes to the database.
"""
