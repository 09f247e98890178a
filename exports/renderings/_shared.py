"""What renderings have in common: the refusal of a row that a format cannot say."""

from __future__ import annotations


class LeftOut(Exception):
    """The format cannot say this row; the message is the reason that the manifest counts."""
