"""Leaf package: imports no app and defines no model."""
