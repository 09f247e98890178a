"""The letters that name completions on every page, in the order shown, and orders spelled with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import TypeVar

from django.utils.translation import gettext

from common.translated import translated

LETTERS = "ABCDEFGHI"
Group = TypeVar("Group", bound=Sequence[object])


def letters_of(order_shown: Sequence[str]) -> dict[str, str]:
    """The letter of each completion id."""
    return dict(zip(order_shown, LETTERS, strict=False))


def ids_of(order_shown: Sequence[str]) -> dict[str, str]:
    """The completion id of each letter; an id, as programs send it, is its own."""
    return {letter: cid for cid, letter in letters_of(order_shown).items()} | {cid: cid for cid in order_shown}


def spelled(groups: Sequence[Sequence[str]], letters: Mapping[str, str], *, between: str = " > ") -> str:
    """'B > A = C': best first, ties in the order of the alphabet."""
    return between.join(" = ".join(sorted(letters.get(cid, "?") for cid in group)) for group in groups)


def refusal(reason: str) -> str:
    """In the place of an order: that there is none, and why, a reason of the list in the reader's language."""
    return gettext("not rankable: %s") % translated(reason)


def placed(groups: Sequence[Group]) -> Iterable[tuple[int, Group]]:
    """Each group with the place that every page says of it: after a tie of two, a place is left out."""
    return zip(accumulate((len(group) for group in groups), initial=1), groups, strict=False)
