"""Content filters: a file here is a filter, its name the choice. `base.Filter` says what its `FILTER` has."""
