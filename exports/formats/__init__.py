"""Configurations of an export: one file each, named after the sub-folder that it fills, with one object `FORMAT`
(`exports/formats/base.py`)."""
