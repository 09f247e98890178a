"""What a trainer says of a comparison, checked before it is stored: order, ratings, flags, strengths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.utils import timezone

from labeling import preferences
from labeling.errors import Invalid, NeedsConfirmation
from labeling.models import Assignment, Comparison, Dialogue, Turn
from labeling.text import clean, content_hash

RATINGS = range(1, 8)
STRENGTHS = range(1, 5)


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

    def digest(self) -> str:
        return content_hash(asdict(self))

    def columns(self) -> dict[str, Any]:
        """The ranking's columns that hold what was said."""
        return {
            "groups": self.groups,
            "ratings": self.ratings,
            "flags": self.flags,
            "strengths": self.strengths,
            "note": self.note,
            "not_rankable": self.not_rankable,
            "contradiction_confirmed": self.contradicts,
            "submission_hash": self.digest(),
        }


def check(
    *,
    comparison: Comparison,
    order_shown: Sequence[str],
    groups: Sequence[Sequence[str]],
    ratings: Mapping[str, Any],
    flags: Mapping[str, Sequence[str]],
    strengths: Sequence[Any],
    note: str,
    not_rankable: str,
    ideal_answer: str,
    confirmed: bool,
) -> Judgement:
    """The judgement in canonical form.

    Raises:
        Invalid: with a sentence. NeedsConfirmation: order and ratings contradict each other.
    """
    project = comparison.project
    reason = clean(not_rankable).strip()[:200]
    if reason and groups:
        raise Invalid("Either put the completions in order or say that none can be ranked.")
    if not reason and not groups:
        raise Invalid("Put every completion in a place first: a screen that nobody touched is no judgement.")
    try:
        ordered = preferences.canonical(groups, order_shown) if groups else []
    except ValueError as error:
        raise Invalid(f"The order cannot be stored: {error}.") from None
    kept_ratings = _ratings(ratings, order_shown)
    pairs = preferences.contradictions(ordered, kept_ratings)
    if pairs and not confirmed:
        raise NeedsConfirmation(
            "A completion is rated higher than one that stands above it. Is the order as you mean it?", pairs=pairs
        )
    return Judgement(
        groups=ordered,
        ratings=kept_ratings,
        flags=_flags(flags, order_shown, project.flags),
        strengths=_strengths(strengths, ordered, asked=project.ask_strength),
        note=clean(note).strip(),
        not_rankable=reason,
        ideal_answer=clean(ideal_answer).strip() if project.ask_ideal_answer else "",
        contradicts=bool(pairs),
    )


def _ratings(ratings: Mapping[str, Any], ids: Sequence[str]) -> dict[str, int]:
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
        raise Invalid(f"{sorted(unknown)[0]} is not a completion of this comparison.")
    return kept


def _flags(flags: Mapping[str, Sequence[str]], ids: Sequence[str], offered: Sequence[str]) -> dict[str, list[str]]:
    if not isinstance(flags, Mapping) or any(isinstance(v, str) or not isinstance(v, Sequence) for v in flags.values()):
        raise Invalid("Flags are lists of names, by completion.")
    if unknown := set(flags) - set(ids):
        raise Invalid(f"{sorted(unknown)[0]} is not a completion of this comparison.")
    for names in flags.values():
        if strange := [name for name in names if name not in offered]:
            raise Invalid(f"{strange[0]!r} is no flag of this project.")
    return {cid: [name for name in offered if name in flags[cid]] for cid in ids if flags.get(cid)}


def _strengths(strengths: Sequence[Any], groups: Sequence[Sequence[str]], *, asked: bool) -> list[int]:
    if not asked or len(groups) < 2 or not strengths:
        return []
    if len(strengths) != len(groups) - 1 or any(
        isinstance(s, bool) or not isinstance(s, int) or s not in STRENGTHS for s in strengths
    ):
        raise Invalid("The strength of preference is a number from 1 to 4 between each two neighbouring places.")
    return list(strengths)


def ideal_demonstration(assignment: Assignment, text: str) -> Dialogue | None:
    """The ideal answer as a demonstration of the trainer, submitted with the ranking."""
    if not text:
        return None
    comparison = assignment.comparison
    dialogue = Dialogue.objects.create(
        project=comparison.project,
        round=comparison.round,
        author_id=assignment.trainer_id,
        kind=Dialogue.Kind.DEMONSTRATION,
        state=Dialogue.State.SUBMITTED,
        submitted_at=timezone.now(),
        guideline_version_id=assignment.guideline_version_id,
        source="ideal answer",
        prompt_key=comparison.prompt_key,
        split=comparison.split,
    )
    messages = [*comparison.prompt, {"role": Turn.Role.ASSISTANT, "content": text}]
    Turn.objects.bulk_create(
        Turn(dialogue=dialogue, position=position, role=message["role"], text=message["content"])
        for position, message in enumerate(messages)
    )
    return dialogue
