"""Kinds of fault that were reported of tools like this one, each with its siblings: what goes in comes out as meant."""
