"""Texts as the stores take them. Pure."""

from __future__ import annotations


def storable(text: str) -> str:
    """The text as PostgreSQL and Redis take it: no NUL, and a replacement character for half a surrogate pair."""
    return text.replace("\x00", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
