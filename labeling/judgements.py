"""What a trainer says of a comparison, checked before it is stored: order, ratings, flags, strengths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TypedDict, Unpack

from django.utils.translation import gettext_noop

from common.visible import visible
from labeling import preferences
from labeling.control_tokens import refuse_in
from labeling.criteria import Criterion, Grades, check_grades
from labeling.errors import Invalid, NeedsConfirmation
from labeling.models import Comparison
from labeling.spans import Span, Spans, check_spans
from labeling.text import clean, content_hash

RATINGS = range(1, 8)
STRENGTHS = range(1, 5)
LATER = ("ideal_from", "criteria", "spans")
# Each reason stands in one list only: none says something of the texts, skip (`assignments.py`) of the person or the
# moment.
NONE_REASONS = (
    gettext_noop("All of them are wrong or unusable"),
    gettext_noop("The prompt makes no sense"),
    gettext_noop("The prompt asks for something that must not be answered"),
)
"""Offered on the page; a trainer may say another."""


class Said(TypedDict, total=False):
    """What may be said of a comparison; what is missing was not said. Pages, API and tests send the same."""

    groups: Sequence[Sequence[str]]
    ratings: Mapping[str, int] | None
    flags: Mapping[str, Sequence[str]] | None
    strengths: Sequence[int] | None
    note: str
    not_rankable: str | None
    ideal_answer: str
    ideal_from: str
    criteria: Mapping[str, Mapping[str, int]] | None
    spans: Mapping[str, Sequence[Span]] | None
    confirmed: bool


class Read(TypedDict):
    """How one completion was read on the page."""

    seconds: int
    proposed: bool  # its place is the one that the page proposed, once it had been in view


Reading = Mapping[str, Read]


class Columns(TypedDict):
    """The columns of a ranking that hold what was said."""

    groups: list[list[str]]
    ratings: dict[str, int]
    flags: dict[str, list[str]]
    strengths: list[int]
    note: str
    not_rankable: str
    criteria: Grades
    scales: list[Criterion]
    spans: Spans
    contradiction_confirmed: bool
    submission_hash: str


@dataclass(frozen=True)
class Judgement:
    groups: list[list[str]]
    ratings: dict[str, int]
    flags: dict[str, list[str]]
    strengths: list[int]
    note: str
    not_rankable: str
    ideal_answer: str
    contradicts: bool
    ideal_from: str  # the completion that the ideal answer was begun from
    criteria: Grades
    scales: list[Criterion]  # what could be graded
    spans: Spans

    def digest(self) -> str:
        """Where nothing is said in a field of `LATER`, that of the releases that had no such field."""
        said = asdict(self)
        del said["scales"]
        return content_hash({name: value for name, value in said.items() if value or name not in LATER})

    def columns(self) -> Columns:
        """The ranking's columns that hold what was said."""
        return {
            "groups": self.groups,
            "ratings": self.ratings,
            "flags": self.flags,
            "strengths": self.strengths,
            "note": self.note,
            "not_rankable": self.not_rankable,
            "criteria": self.criteria,
            "scales": self.scales,
            "spans": self.spans,
            "contradiction_confirmed": self.contradicts,
            "submission_hash": self.digest(),
        }


def check(comparison: Comparison, order_shown: Sequence[str], **said: Unpack[Said]) -> Judgement:
    """The judgement in canonical form.

    Raises:
        Invalid: with a sentence. NeedsConfirmation: order and ratings contradict each other.
    """
    project = comparison.project
    groups, reason = said.get("groups", ()), clean(said.get("not_rankable") or "").strip()[:200]
    if reason and groups:
        raise Invalid("Either put the completions in order or say that none can be ranked.")
    if not reason and not groups:
        raise Invalid("Give every completion a place first.")
    try:
        ordered = preferences.canonical(groups, order_shown) if groups else []
    except ValueError as error:
        raise Invalid("The order cannot be stored: %(error)s.", error=error) from None
    kept_ratings = _ratings(said.get("ratings") or {}, order_shown)
    pairs = preferences.contradictions(ordered, kept_ratings)
    if pairs and not said.get("confirmed"):
        raise NeedsConfirmation(
            "A completion is rated higher than one that stands above it. Is the order as you mean it?", pairs=pairs
        )
    ideal = _ideal_answer(said.get("ideal_answer", "")) if project.ask_ideal_answer else ""
    return Judgement(
        groups=ordered,
        ratings=kept_ratings,
        flags=_flags(said.get("flags") or {}, order_shown, project.flags),
        strengths=_strengths(said.get("strengths") or [], ordered, asked=project.ask_strength),
        note=clean(said.get("note", "")).strip(),
        not_rankable=reason,
        ideal_answer=ideal,
        contradicts=bool(pairs),
        ideal_from=_ideal_from(said.get("ideal_from", ""), order_shown) if ideal else "",
        criteria=check_grades(said.get("criteria") or {}, order_shown, project.criteria),
        scales=project.criteria,
        spans=_spans(comparison, order_shown, said.get("spans") or {}),
    )


def _ideal_answer(text: str) -> str:
    text = clean(text).strip()
    if not visible(text):
        return ""
    refuse_in(text, field="ideal_answer", what=gettext_noop("The ideal answer"))
    return text


def _ideal_from(cid: str, order_shown: Sequence[str]) -> str:
    if cid and cid not in order_shown:
        raise Invalid("The ideal answer was begun from a text that is not a completion of this comparison.")
    return cid


def _spans(comparison: Comparison, order_shown: Sequence[str], given: Mapping[str, Sequence[Span]]) -> Spans:
    if not given:
        return {}
    texts = comparison.texts
    return check_spans(given, {cid: texts[cid] for cid in order_shown}, comparison.project.span_categories)


def _ratings(ratings: Mapping[str, object], ids: Sequence[str]) -> dict[str, int]:
    if not isinstance(ratings, Mapping):
        raise Invalid("Ratings are given by completion.")
    kept = {}
    for cid in ids:
        if (value := ratings.get(cid)) is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int) or value not in RATINGS:
            raise Invalid("A rating is a whole number from 1 to 7.")
        kept[cid] = value
    if unknown := set(ratings) - set(ids):
        raise Invalid("%(one)s is not a completion of this comparison.", one=sorted(unknown)[0])
    return kept


def _flags(flags: Mapping[str, Sequence[str]], ids: Sequence[str], offered: Sequence[str]) -> dict[str, list[str]]:
    if not isinstance(flags, Mapping) or any(isinstance(v, str) or not isinstance(v, Sequence) for v in flags.values()):
        raise Invalid("Flags are lists of names, by completion.")
    if unknown := set(flags) - set(ids):
        raise Invalid("%(one)s is not a completion of this comparison.", one=sorted(unknown)[0])
    for names in flags.values():
        if strange := [name for name in names if name not in offered]:
            raise Invalid("“%(strange)s” is not a flag of this project.", strange=strange[0])
    return {cid: [name for name in offered if name in flags[cid]] for cid in ids if flags.get(cid)}


def _strengths(strengths: Sequence[object], groups: Sequence[Sequence[str]], *, asked: bool) -> list[int]:
    if not asked or len(groups) < 2 or not strengths:
        return []
    levels = [level for level in strengths if isinstance(level, int) and not isinstance(level, bool)]
    if len(levels) != len(strengths) or len(levels) != len(groups) - 1 or not all(s in STRENGTHS for s in levels):
        raise Invalid("The strength of preference is a number from 1 to 4 between each two neighbouring places.")
    return levels
