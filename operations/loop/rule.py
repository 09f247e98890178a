"""The rule that stands in for people in `demo_loop`. Pure; every table that it leads to says so."""

from __future__ import annotations

from collections.abc import Mapping

WORDS = "fewer commas first, then the shorter; lengths in the same step of 40 characters tie"
LENGTH_STEP = 40  # characters


def measure(text: str) -> int:
    """What the rule is about, and what the table at the end shows: commas."""
    return text.count(",")


def key(text: str) -> tuple[int, int]:
    return measure(text), len(text.strip()) // LENGTH_STEP


def rank(texts: Mapping[str, str]) -> list[list[str]]:
    """Tie groups of ids, best first."""
    groups: dict[tuple[int, int], list[str]] = {}
    for cid, text in texts.items():
        groups.setdefault(key(text), []).append(cid)
    return [sorted(groups[place]) for place in sorted(groups)]
