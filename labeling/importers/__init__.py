"""Source formats of imports: one file each, named as `import_dialogues` takes it.

A file has `ABOUT` (a sentence), `VERSION` (counts changes of its transforms; stored beside what it
made), `matches(record)` for detection, and `parse(record, kind, steps)`, which returns the items of
one input record or raises `Rejected` with the reason. `kind` is prompts, demonstrations,
comparisons, or "" for what the record naturally is. Nothing in here writes to the database.
"""
