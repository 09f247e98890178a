"""Names for a sentence that says what there is."""

from __future__ import annotations

from collections.abc import Iterable

MOST = 20


def listed(names: Iterable[object]) -> str:
    """`"a, b, c"`, in the order given: the first twenty and how many more there are, or `"none"`."""
    every = [str(name) for name in names]
    more = f" and {len(every) - MOST:,} more" if len(every) > MOST else ""
    return (", ".join(every[:MOST]) or "none") + more
