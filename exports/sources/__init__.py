"""Kinds of records that an export reads: one file each, with its query, typed record, count and rules together."""
