"""The fields of the ranking page, as posted and as kept in a draft. Only their shape is looked at here: what may be
said of a comparison is checked in `labeling/judgements.py`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.http import QueryDict
from django.utils.translation import gettext, gettext_noop

from labeling import preferences
from labeling.errors import Invalid
from labeling.judgements import NONE_REASONS, Read, Reading, Said
from labeling.pages.forms import number
from labeling.pages.letters import ids_of, letters_of, placed
from labeling.spans import Span

if TYPE_CHECKING:
    from common.shapes import JsonLike


@dataclass
class RankingForm:
    """The ranking page's fields, partial or whole. `draft()` is what the assignment keeps."""

    places: dict[str, int] = field(default_factory=dict)
    ratings: dict[str, int] = field(default_factory=dict)
    flags: dict[str, list[str]] = field(default_factory=dict)
    strengths: list[int | None] = field(default_factory=list)
    seconds: dict[str, int] = field(default_factory=dict)  # by completion, while it was read
    proposed: list[str] = field(default_factory=list)  # completions whose place the page proposed
    note: str = ""
    not_rankable: str = ""
    not_rankable_other: str = ""
    ideal_answer: str = ""
    ideal_from: str = ""  # the completion that it was begun from
    criteria: dict[str, dict[str, int]] = field(default_factory=dict)
    spans: dict[str, list[Span]] = field(default_factory=dict)
    shown: list[str] = field(default_factory=list)  # completions whose covered text was revealed
    none: bool = False  # the button "none can be ranked"
    confirmed: bool = False
    errors: list[str] = field(default_factory=list)

    @classmethod
    def from_post(cls, post: QueryDict, ids: Sequence[str]) -> RankingForm:
        form = cls(
            note=post.get("note", ""),
            not_rankable=post.get("not_rankable", ""),
            not_rankable_other=post.get("not_rankable_other", ""),
            ideal_answer=post.get("ideal_answer", ""),
            ideal_from=ids_of(ids).get(post.get("ideal_from", ""), ""),
            shown=[cid for cid in ids if cid in post.getlist("shown")],
            none=bool(post.get("none")),
            confirmed=bool(post.get("confirmed")),
        )
        for cid, letter in letters_of(ids).items():
            form._card(post, cid, letter if f"read-{letter}" in post else cid, highest=len(ids))
        strengths: dict[str, int] = {}
        for gap in range(1, len(ids)):
            form._number(post.get(f"strength-{gap}", ""), strengths, str(gap), 4, gettext_noop("A strength"))
        form.strengths = [strengths.get(str(gap)) for gap in range(1, len(ids))]
        if post.get("ideal_from") and not form.ideal_from:
            form.errors.append(gettext("The answer was begun from a completion that is not on this page."))
        return form

    def _card(self, post: QueryDict, cid: str, name: str, *, highest: int) -> None:
        """The fields of one completion, whose names end in its letter, or in its id as a program sends them."""
        self._number(post.get(f"place-{name}", ""), self.places, cid, highest, gettext_noop("A place"))
        self._number(post.get(f"rating-{name}", ""), self.ratings, cid, 7, gettext_noop("A rating"))
        self.seconds[cid] = number(post.get(f"read-{name}")) or 0
        if post.get(f"proposed-{name}"):
            self.proposed.append(cid)
        if flags := post.getlist(f"flag-{name}"):
            self.flags[cid] = flags
        grades: dict[str, int] = {}
        for key in post:
            if key.startswith(begins := f"rating-{name}-"):
                self._number(post.get(key, ""), grades, key.removeprefix(begins), 7, gettext("A grade"))
        if grades:
            self.criteria[cid] = grades
        if told := post.get(f"spans-{name}"):
            self._marks(told, cid)

    def _marks(self, told: str, cid: str) -> None:
        try:
            self.spans[cid] = _spans(json.loads(told))
        except (ValueError, RecursionError):
            self.errors.append(gettext("The marks on a completion cannot be read."))

    @classmethod
    def from_draft(cls, draft: Mapping[str, object]) -> RankingForm:
        """From an assignment's draft: of this page, of an undone ranking, or whatever a program kept there."""
        places = _numbers(draft.get("places"))
        if draft.get("places") is None:
            groups = [_list(group) for group in _list(draft.get("groups"))]
            places = {str(cid): place for place, group in placed(groups) for cid in group}
        strengths = [level if isinstance(level, int) else None for level in _list(draft.get("strengths"))]
        reading = {cid: _mapping(read) for cid, read in _mapping(draft.get("reading")).items()}
        reason, other = _text(draft.get("not_rankable")), _text(draft.get("not_rankable_other"))
        listed = reason in NONE_REASONS
        return cls(
            places=places,
            ratings=_numbers(draft.get("ratings")),
            flags={cid: [str(name) for name in _list(names)] for cid, names in _mapping(draft.get("flags")).items()},
            strengths=strengths,
            seconds={cid: value for cid, read in reading.items() if isinstance(value := read.get("seconds"), int)},
            proposed=[cid for cid, read in reading.items() if read.get("proposed")],
            note=_text(draft.get("note")),
            not_rankable=reason if listed else "",
            not_rankable_other=other or ("" if listed else reason),
            ideal_answer=_text(draft.get("ideal_answer")),
            ideal_from=_text(draft.get("ideal_from")),
            shown=[cid for cid in _list(draft.get("shown")) if isinstance(cid, str)],
            criteria={cid: _numbers(grades) for cid, grades in _mapping(draft.get("criteria")).items()},
            spans={cid: _spans(marks) for cid, marks in _mapping(draft.get("spans")).items()},
        )

    def _number(self, value: str, into: dict[str, int], cid: str, highest: int, name: str) -> None:
        value = value.strip()
        if not value:
            return
        if value.isascii() and value.isdigit() and 1 <= int(value) <= highest:
            into[cid] = int(value)
        else:
            told = gettext("%(name)s is a whole number from 1 to %(highest)s, not %(value)r.")
            self.errors.append(told % {"name": gettext(name), "highest": highest, "value": value[:20]})

    def draft(self) -> dict[str, JsonLike]:
        return {
            "places": self.places,
            "ratings": self.ratings,
            "flags": self.flags,
            "strengths": self.strengths,
            "reading": {
                cid: {"seconds": read["seconds"], "proposed": read["proposed"]} for cid, read in self.reading().items()
            },
            "note": self.note,
            "not_rankable": self.not_rankable,
            "not_rankable_other": self.not_rankable_other,
            "ideal_answer": self.ideal_answer,
            "ideal_from": self.ideal_from,
            "shown": self.shown,
            "criteria": self.criteria,
            "spans": {cid: [_as_json(mark) for mark in marks] for cid, marks in self.spans.items()},
        }

    def reading(self) -> Reading:
        """How each completion was read. Without scripts nothing is known."""
        told = {cid for cid, seconds in self.seconds.items() if seconds} | {*self.proposed}
        return {cid: Read(seconds=self.seconds.get(cid, 0), proposed=cid in self.proposed) for cid in sorted(told)}

    def groups(self) -> list[list[str]]:
        return preferences.groups_from_places(self.places)

    def said(self, order_shown: Sequence[str]) -> Said:
        """What is submitted.

        Raises:
            Invalid: a field cannot be read, or is missing.
        """
        none = self.none or bool(self.reason() and not self.places)
        if problem := self._problem(order_shown, none=none):
            raise Invalid(problem)
        return {
            "groups": [] if none else self.groups(),
            "ratings": self.ratings,
            "flags": self.flags,
            "strengths": [] if none else self._asked_strengths(),
            "note": self.note,
            "not_rankable": self.reason() if none else "",
            "ideal_answer": self.ideal_answer,
            "ideal_from": self.ideal_from,
            "criteria": self.criteria,
            "spans": self.spans,
            "confirmed": self.confirmed,
        }

    def _asked_strengths(self) -> list[int]:
        """One between each two neighbouring places in use; none at all unless all were given."""
        wanted = self.strengths[: max(0, len(set(self.places.values())) - 1)]
        given = [value for value in wanted if value is not None]
        return given if len(given) == len(wanted) else []

    def _problem(self, order_shown: Sequence[str], *, none: bool) -> str:
        """Why this cannot be submitted, in a sentence; empty: nothing in its shape."""
        if self.errors:
            return " ".join(self.errors)
        if none:
            return "" if self.reason() else gettext("Say why none of them can be ranked.")
        missing = [letter for cid, letter in letters_of(order_shown).items() if cid not in self.places]
        told = gettext("Every completion needs a place; without one: %s.")
        return told % ", ".join(missing) if self.places and missing else ""

    def reason(self) -> str:
        return (self.not_rankable_other.strip() or self.not_rankable).strip()


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def spans_of(post: QueryDict, order_shown: Sequence[str]) -> dict[str, list[Span]]:
    """The marks that a page's fields hold, by completion; none where they cannot be read.

    Raises:
        Invalid: a field holds no list of marks.
    """
    found = {}
    for cid, letter in letters_of(order_shown).items():
        if told := post.get(f"spans-{letter}"):
            try:
                found[cid] = _spans(json.loads(told))
            except (ValueError, RecursionError):
                raise Invalid("The marks on a completion cannot be read.") from None
    return found


def _spans(marks: object) -> list[Span]:
    """Marks as they are kept: whether they fit the text is checked when they are submitted."""
    kept: list[Span] = []
    for mark in _list(marks):
        start, end = _mapping(mark).get("start"), _mapping(mark).get("end")
        if isinstance(start, int) and isinstance(end, int):
            words = {name: _text(_mapping(mark).get(name)) for name in ("category", "comment")}
            kept.append({"start": start, "end": end, "category": words["category"], "comment": words["comment"]})
    return kept


def _as_json(mark: Span) -> dict[str, JsonLike]:
    return {"start": mark["start"], "end": mark["end"], "category": mark["category"], "comment": mark["comment"]}


def _numbers(value: object) -> dict[str, int]:
    return {key: number for key, number in _mapping(value).items() if isinstance(number, int)}
