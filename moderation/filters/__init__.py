"""Content filters: a file here is a filter, its name the choice. See `base.py` for what one has."""
