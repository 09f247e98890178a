"""Cells that a spreadsheet would run as formulas, made harmless (OWASP: CSV injection)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

Value = TypeVar("Value")
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def cell(value: Value) -> Value | str:
    """The value for a CSV cell: text that a spreadsheet would read as a formula gets an apostrophe in
    front. Numbers stay as they are, and so does text that is only a number."""
    if not isinstance(value, str) or not value.lstrip(" \u00a0\ufeff").startswith(DANGEROUS):
        return value
    try:
        float(value)
    except ValueError:
        return "'" + value
    return value


def row(values: Iterable[Value]) -> list[Value | str]:
    return [cell(value) for value in values]
