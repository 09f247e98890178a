"""What became of submitted work, for whoever did it: a word in lists, a sentence on its own page. Reads only."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import BooleanField, Expression, ExpressionWrapper, F, QuerySet
from django.utils.translation import gettext, gettext_noop

from labeling import undo
from labeling.models import Comparison, Dialogue, Ranking, Review
from labeling.quality.reviews import last_decision

WORDS = (
    gettext_noop("submitted"), gettext_noop("accepted"), gettext_noop("returned"), gettext_noop("revised"),
    gettext_noop("replaced by a gold order"), gettext_noop("excluded from exports"), gettext_noop("withdrawn"),
    gettext_noop("not used"), gettext_noop("dropped"),
)  # fmt: skip
"""The outcomes, as lists show them through the filter `translated`."""
SUBMITTED, ACCEPTED, RETURNED, REVISED, REPLACED, EXCLUDED, WITHDRAWN, UNUSED, DROPPED = WORDS
DECIDED = {
    None: SUBMITTED, Review.Decision.ACCEPTED.value: ACCEPTED, Review.Decision.RETURNED.value: RETURNED,
    Review.Decision.EDITED.value: REPLACED, Review.Decision.EXCLUDED.value: EXCLUDED,
}  # fmt: skip
SENTENCES = {
    ACCEPTED: gettext_noop("A reviewer has accepted it."),
    RETURNED: gettext_noop("A reviewer sent it back."),
    REVISED: gettext_noop("This is your new version; it was sent."),
    REPLACED: gettext_noop(
        "A reviewer has settled this comparison with an order of their own, the gold order. Yours stays on record; "
        "exports hold the gold order in its place."
    ),
    EXCLUDED: gettext_noop("A reviewer has excluded it from exports."),
    WITHDRAWN: gettext_noop("The text that it rests on was withdrawn by whoever wrote it, so it is not used."),
    UNUSED: gettext_noop("The task was taken out of use, and this with it."),
    DROPPED: gettext_noop("You began a new version of it and discarded that version."),
}


def ranking_outcome(*, decided: str | None, mended: bool, state: str, emptied: bool) -> str:
    """Of one that is in force; `state` is its comparison's."""
    if emptied or state == Comparison.State.DISCARDED:
        return WITHDRAWN if emptied else UNUSED
    return REVISED if mended and decided is None else DECIDED[decided]


def dialogue_outcome(*, state: str, decided: str | None, newer: str | None, emptied: bool) -> str:
    """`newer` is the state of the version that supersedes it."""
    if emptied:
        return WITHDRAWN
    if newer is not None and newer != Dialogue.State.DRAFT:
        return DROPPED if newer == Dialogue.State.DISCARDED else REVISED
    return EXCLUDED if decided == Review.Decision.EXCLUDED else state


def sentence(outcome: str) -> str:
    """Empty of what waits for nobody's decision."""
    return gettext(SENTENCES[outcome]) if outcome in SENTENCES else ""


def with_decisions(rows: QuerySet[Ranking]) -> QuerySet[Ranking]:
    """Each with what was last `decided` on it, and whether it is `unseen` by reviewers."""
    return rows.annotate(decided=last_decision("ranking"), unseen=unseen_ranking())


def unseen_ranking() -> Expression:
    return ExpressionWrapper(undo.unseen_rankings(), output_field=BooleanField())


def of_ranking(row: Ranking, comparison: Comparison) -> str:
    """Of a row of `with_decisions`."""
    return ranking_outcome(
        decided=vars(row)["decided"], mended=row.supersedes_id is not None, state=comparison.state,
        emptied=comparison.withdrawn_at is not None,
    )  # fmt: skip


@dataclass(frozen=True)
class DialogueNow:
    """What became of a dialogue that was handed in, and what its author can still do."""

    outcome: str = ""
    can_undo: bool = False
    can_revise: bool = False

    @property
    def sentence(self) -> str:
        if self.outcome == REVISED:
            return gettext("You have sent a new version of this. Nothing is left for you to do here.")
        return sentence(self.outcome)


def dialogues_with_decisions(rows: QuerySet[Dialogue]) -> QuerySet[Dialogue]:
    """Each with what was last `decided`, the state of a `newer` version, and whether it is `unseen`."""
    unseen = ExpressionWrapper(undo.unseen_dialogues(), output_field=BooleanField())
    return rows.annotate(decided=last_decision("dialogue"), newer=F("superseded_by__state"), unseen=unseen)


def of_dialogue(dialogue: Dialogue) -> DialogueNow:
    """Of a row of `dialogues_with_decisions`."""
    if dialogue.state == Dialogue.State.DRAFT:
        return DialogueNow()
    asked, emptied = vars(dialogue), dialogue.withdrawn_at is not None
    outcome = dialogue_outcome(state=dialogue.state, decided=asked["decided"], newer=asked["newer"], emptied=emptied)
    in_time = undo.can_undo(dialogue.submitted_at, dialogue.project.undo_minutes)
    can_undo = dialogue.state == Dialogue.State.SUBMITTED and in_time and bool(asked["unseen"])
    return DialogueNow(outcome, can_undo, can_revise=outcome == RETURNED)
