"""Two texts side by side, with what stands in one only marked in it."""

from __future__ import annotations

import re

from django.utils.translation import gettext
from rapidfuzz.distance import LCSseq

from common.numbers import grouped

Runs = list[tuple[str, str]]
MOST_CHARACTERS = 400_000  # of one text
MOST_PAIRS_OF_EDITS = 10_000_000  # the same of one turn among the many of a page
MOST_PAIRS = 500_000_000  # words of one text times words of the other, where they differ: an eighth of it in bytes


class TooLong(Exception):
    """The texts are too long for their differences to be found while somebody waits."""


def word_diff(a: str, b: str) -> tuple[Runs, Runs]:
    """Both texts as ("same" | "only", text) runs: what stands in one only is marked in it.

    Raises: TooLong: finding them would take more than half a second or 100 MB.
    """
    if max(len(a), len(b)) > MOST_CHARACTERS:
        told = gettext("Texts of more than %s characters are too long to be compared by words.")
        raise TooLong(told % grouped(MOST_CHARACTERS))
    left, right = _words(a), _words(b)
    first, last = _shared_ends(left, right)
    inner_left, inner_right = left[first : len(left) - last], right[first : len(right) - last]
    if len(inner_left) * len(inner_right) > MOST_PAIRS:
        raise TooLong(gettext("These texts are too long to be compared by words."))
    sides: tuple[Runs, Runs] = ([], [])
    for side in sides:
        _add(side, "same", left[:first])
    for step in LCSseq.opcodes(inner_left, inner_right):
        kind = "same" if step.tag == "equal" else "only"
        _add(sides[0], kind, inner_left[step.src_start : step.src_end])
        _add(sides[1], kind, inner_right[step.dest_start : step.dest_end])
    for side in sides:
        _add(side, "same", left[len(left) - last :])
    return _joined(sides[0]), _joined(sides[1])


def edits(before: str, after: str) -> Runs:
    """What became of `before`, in one text: ("same" | "gone" | "new", text) runs, in the order of reading.

    Raises: TooLong: finding them would take more than a few hundredths of a second.
    """
    left, right = _words(before), _words(after)
    first, last = _shared_ends(left, right)
    inner_left, inner_right = left[first : len(left) - last], right[first : len(right) - last]
    if len(inner_left) * len(inner_right) > MOST_PAIRS_OF_EDITS:
        raise TooLong(gettext("This turn is too long for its changes to be shown by words."))
    runs: Runs = []
    _add(runs, "same", left[:first])
    for step in LCSseq.opcodes(inner_left, inner_right):
        if step.tag == "equal":
            _add(runs, "same", inner_left[step.src_start : step.src_end])
            continue
        _add(runs, "gone", inner_left[step.src_start : step.src_end])
        _add(runs, "new", inner_right[step.dest_start : step.dest_end])
    _add(runs, "same", left[len(left) - last :])
    return _in_phrases(runs)


def _in_phrases(runs: Runs) -> Runs:
    """What was replaced word by word reads as one phrase that went and one that came."""
    told: Runs = []
    gone = new = ""
    for place, (kind, text) in enumerate(runs):
        between = (gone or new) and place + 1 < len(runs)
        if kind == "same" and not (between and not text.strip()):
            told += [(name, words) for name, words in (("gone", gone), ("new", new)) if words]
            gone = new = ""
            told.append((kind, text))
            continue
        gone += text if kind in ("gone", "same") else ""
        new += text if kind in ("new", "same") else ""
    return told + [(name, words) for name, words in (("gone", gone), ("new", new)) if words]


def _add(side: Runs, kind: str, words: list[str]) -> None:
    if words and side and side[-1][0] == kind:
        side[-1] = (kind, side[-1][1] + "".join(words))
    elif words:
        side.append((kind, "".join(words)))


def _joined(runs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """A space that both have is not shown as shared between two differing words."""
    joined: list[tuple[str, str]] = []
    for place, (kind, text) in enumerate(runs):
        between = 0 < place < len(runs) - 1
        kind = "only" if kind == "same" and between and not text.strip() else kind
        if joined and joined[-1][0] == kind:
            joined[-1] = (kind, joined[-1][1] + text)
        else:
            joined.append((kind, text))
    return joined


def _shared_ends(left: list[str], right: list[str]) -> tuple[int, int]:
    """How many words both begin with, and end with."""
    shorter = min(len(left), len(right))
    first = next((i for i in range(shorter) if left[i] != right[i]), shorter)
    return first, next((i for i in range(shorter - first) if left[-1 - i] != right[-1 - i]), shorter - first)


def _words(text: str) -> list[str]:
    return re.findall(r"\s+|\w+|[^\w\s]", text)
