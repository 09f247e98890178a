"""Marks on words of a completion: from where to where, what is wrong there, and why.

Places count the characters (code points) of the completion's text with LF line ends; the end is exclusive.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict, TypeGuard

from labeling.errors import Invalid
from labeling.text import clean

MOST = 50  # marks on one completion
LONGEST_COMMENT = 2_000
LONGEST_CATEGORY = 60
MOST_CATEGORIES = 20


class Span(TypedDict):
    """One mark."""

    start: int
    end: int
    category: str
    comment: str


Spans = dict[str, list[Span]]
"""By completion id, in the order of the text."""


def check_categories(given: object) -> list[str]:
    """A project's categories as they are stored; none: nothing is marked.

    Raises:
        Invalid: not a list of different names.
    """
    if not isinstance(given, list) or len(given) > MOST_CATEGORIES:
        raise Invalid("At most %(most)s categories are offered.", most=MOST_CATEGORIES)
    if any(not isinstance(name, str) or not name.strip() or len(name) > LONGEST_CATEGORY for name in given):
        raise Invalid("A category is a name of at most %(longest)s characters.", longest=LONGEST_CATEGORY)
    if len(set(given)) < len(given):
        raise Invalid("Two categories have the same name.")
    return list(given)


def plain(text: str) -> str:
    """A completion's text as places in it are counted."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def check_spans(
    given: Mapping[str, Sequence[object]], texts: Mapping[str, str], categories: Sequence[str], *, free: bool = False
) -> Spans:
    """What was marked, in the order shown (that of `texts`) and of each text; the same mark twice is one. A trainer's
    mark has a category; one that is `free`, a reviewer's, has a comment, a category, or both.

    Raises:
        Invalid: not of these completions, outside of the text, or not of the project's categories.
    """
    if not isinstance(given, Mapping) or any(
        isinstance(marks, str) or not isinstance(marks, Sequence) for marks in given.values()
    ):
        raise Invalid("Marks are lists, by completion.")
    if unknown := set(given) - set(texts):
        raise Invalid("%(one)s is not a completion of this comparison.", one=sorted(unknown)[0])
    kept: Spans = {}
    for cid, text in texts.items():
        if len(given.get(cid) or ()) > MOST:
            raise Invalid("At most %(most)s parts of a completion are marked.", most=MOST)
        marks: list[Span] = []
        for mark in given.get(cid) or ():
            if (checked := _span(mark, len(plain(text)), categories, free=free)) not in marks:
                marks.append(checked)
        if marks:
            kept[cid] = sorted(marks, key=lambda mark: (mark["start"], mark["end"]))
    return kept


def _span(mark: object, length: int, categories: Sequence[str], *, free: bool) -> Span:
    if not isinstance(mark, Mapping) or not set(mark) <= {"start", "end", "category", "comment"}:
        raise Invalid("A mark takes 'start', 'end', 'category' and 'comment'.")
    start, end = mark.get("start"), mark.get("end")
    if not _whole(start) or not _whole(end) or not 0 <= start < end <= length:
        raise Invalid("A mark is on at least one character of the completion.")
    category, comment = mark.get("category"), mark.get("comment", "")
    comment = clean(comment).strip()
    if free and not category:
        if not comment:
            raise Invalid("Say what is wrong with the words that you marked.")
        category = ""
    elif category not in categories:
        raise Invalid("“%(name)s” is not a category of this project.", name=str(category)[:LONGEST_CATEGORY])
    if len(comment) > LONGEST_COMMENT:
        raise Invalid("The comment on a mark has at most %(longest)s characters.", longest=LONGEST_COMMENT)
    return {"start": start, "end": end, "category": str(category), "comment": comment}


def _whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)
