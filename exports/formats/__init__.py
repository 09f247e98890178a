"""Configurations of an export: one file each, named after the sub-folder that it fills.

A file has `SOURCE` (which records it is made of: rankings, turns, feedback or prompts), `COLUMNS`
(name to type, in the order written; see `exports/card.py`), `ABOUT` (a sentence for the card) and
`rows(record, context)`, a generator of rows with exactly those columns. `EXPECTED`, where a record
makes more than one row, is the SQL that counts them (`exports/expected.py`).
"""
