"""What changed in a text of a project since the version that a person knows: by words, what stayed the same folded."""

from __future__ import annotations

import re
from dataclasses import dataclass

from labeling.pages import differences

AROUND = 2  # paragraphs that stay in view on either side of a change


@dataclass(frozen=True)
class Part:
    """A run of the text: the same as before, gone, new, or folded (the same, and far from every change)."""

    kind: str
    text: str


def parts(before: str, after: str) -> list[Part]:
    """Raises: differences.TooLong."""
    runs = differences.edits(before, after)
    found: list[Part] = []
    for place, (kind, text) in enumerate(runs):
        if kind != "same":
            found.append(Part(kind, text))
            continue
        found += _folded(text, head=place > 0, tail=place + 1 < len(runs))
    return found


def _folded(text: str, *, head: bool, tail: bool) -> list[Part]:
    """A stretch that did not change, with a change before it (`head`) or after it (`tail`)."""
    paragraphs = re.split(r"(?<=\n\n)", text)
    first = AROUND if head else 0
    last = len(paragraphs) - (AROUND if tail else 0)
    if last - first < AROUND:
        return [Part("same", text)]
    pieces = [("same", paragraphs[:first]), ("folded", paragraphs[first:last]), ("same", paragraphs[last:])]
    return [Part(kind, "".join(some)) for kind, some in pieces if some]
