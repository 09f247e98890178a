"""Two texts side by side, with what stands in one only marked in it."""

from __future__ import annotations

import re

from rapidfuzz.distance import LCSseq


def word_diff(a: str, b: str) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Both texts as ("same" | "only", text) runs: what stands in one only is marked in it."""
    left, right = _words(a), _words(b)
    sides: tuple[list[tuple[str, str]], list[tuple[str, str]]] = ([], [])
    for step in LCSseq.opcodes(left, right):
        kind = "same" if step.tag == "equal" else "only"
        for side, run in zip(
            sides, (left[step.src_start : step.src_end], right[step.dest_start : step.dest_end]), strict=True
        ):
            if run:
                text = "".join(run)
                if side and side[-1][0] == kind:
                    side[-1] = (kind, side[-1][1] + text)
                else:
                    side.append((kind, text))
    return _joined(sides[0]), _joined(sides[1])


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


def _words(text: str) -> list[str]:
    return re.findall(r"\s+|\w+|[^\w\s]", text)
