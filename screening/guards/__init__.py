"""Kinds of guard models: a file here is a kind, its name the choice. `base.Guard` says what its `GUARD` has."""
