"""Rankings as ordered lists of tie groups, and the pairs that follow. Pure: imports no Django."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

Groups = Sequence[Sequence[str]]


def canonical(groups: Groups, ids: Sequence[str]) -> list[list[str]]:
    """The ordered partition of `ids`, best first; within a tie, ids in text order, so that equal
    rankings are equal values.

    Raises:
        ValueError: an id missing, unknown or placed twice, or an empty group.
    """
    placed: list[str] = []
    result: list[list[str]] = []
    for group in groups:
        if isinstance(group, str) or not isinstance(group, Sequence) or not group:
            raise ValueError("each place holds a list of at least one completion")
        if not all(isinstance(cid, str) for cid in group):
            raise ValueError("a place holds ids of completions")
        placed.extend(group)
        result.append(sorted(group))
    known = set(ids)
    if unknown := [cid for cid in placed if cid not in known]:
        raise ValueError(f"{unknown[0]} is not a completion of this comparison")
    if len(set(placed)) != len(placed):
        raise ValueError("a completion stands in two places")
    if missing := known - set(placed):
        raise ValueError(f"{len(missing)} of {len(known)} completions have no place")
    return result


def groups_from_places(places: Mapping[str, int]) -> list[list[str]]:
    """Tie groups from numbers, lowest first; gaps between the numbers mean nothing."""
    by_place: dict[int, list[str]] = {}
    for cid, place in places.items():
        by_place.setdefault(place, []).append(cid)
    return [sorted(by_place[place]) for place in sorted(by_place)]


def ranks(groups: Groups) -> dict[str, int]:
    """Dense rank of each completion: 0 is best, equal is a tie."""
    return {cid: rank for rank, group in enumerate(groups) for cid in group}


def strict_pairs(groups: Groups) -> list[tuple[str, str]]:
    """All (chosen, rejected): C(K,2) less the tied pairs."""
    return [(chosen, rejected) for better, worse in combinations(groups, 2) for chosen in better for rejected in worse]


def tied_pairs(groups: Groups) -> list[tuple[str, str]]:
    return [pair for group in groups for pair in combinations(group, 2)]


def known_pairs_right(groups: Groups, known: Groups) -> list[bool]:
    """For every pair of a known order: whether `groups` orders it so. A tie is wrong; pairs not placed are left out."""
    place = ranks(groups)
    return [place[a] < place[b] for a, b in strict_pairs(known) if a in place and b in place]


def known_share_right(groups: Groups, known: Groups) -> float | None:
    """The share of the pairs of a known order that `groups` orders so, a tie being half; None where none is placed."""
    place = ranks(groups)
    placed = [(a, b) for a, b in strict_pairs(known) if a in place and b in place]
    points = sum(1.0 if place[a] < place[b] else 0.5 if place[a] == place[b] else 0.0 for a, b in placed)
    return points / len(placed) if placed else None


def contradictions(groups: Groups, ratings: Mapping[str, int]) -> list[tuple[str, str]]:
    """Pairs (placed above, rated higher): ordered one way and rated the other."""
    return [
        (above, below)
        for above, below in strict_pairs(groups)
        if above in ratings and below in ratings and ratings[below] > ratings[above]
    ]
