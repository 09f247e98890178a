"""What the review of a dialogue shows: its turns as its author saw them, and what was changed of a suggestion."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypedDict
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.utils.translation import gettext, gettext_noop

from labeling import offering
from labeling.models import Dialogue, Project, Review, ReviewItem, Turn
from labeling.pages import cover, differences, verdicts
from labeling.pages.differences import Runs
from labeling.pages.provenance import for_reviewers, provenance
from labeling.pages.red_team import RedTeam, red_team_of
from labeling.quality import blind
from screening.models import Verdict

if TYPE_CHECKING:
    from accounts.models import User

TURNS_ON_A_PAGE = 100
RETURN_REASONS = (
    gettext_noop("An answer is wrong or cannot be checked."),
    gettext_noop("It does not follow the guidelines."),
    gettext_noop("It reads like the model's text, not like yours."),
    gettext_noop("It ends before the task is done."),
)
TRY_REASONS = (
    gettext_noop("The reply that is marked is not the one."),
    gettext_noop("It is not about this rule."),
    gettext_noop("Say better how you did it."),
    gettext_noop("Somebody's real data stands in it."),
)


@dataclass(frozen=True)
class ReviewedTurn:
    turn: Turn
    by: str
    changed: Runs
    too_long: str = ""
    verdict: Verdict | None = None  # the content filter's warning or block
    cover: str = ""  # under which id its text is revealed; empty: it is not covered


class DialogueReview(TypedDict):
    title: str
    dialogue: Dialogue
    project: Project
    turns: list[ReviewedTurn]
    covering: bool
    page: Page[Turn]
    item: ReviewItem | None
    history: list[Review]
    decidable: bool
    graded: bool
    grades: Sequence[int]
    return_reasons: Sequence[str]
    red_team: RedTeam | None
    other_findings: Sequence[tuple[str, str]]  # than what the trainer says


def dialogue_review(dialogue: Dialogue, reviewer: User, page: str | None) -> DialogueReview:
    rows = dialogue.turns.select_related("completion__model_version").order_by("position")
    shown = Paginator(rows, TURNS_ON_A_PAGE).get_page(page)
    warned = verdicts.on_turns(dialogue, list(shown))
    red_team = red_team_of(dialogue, list(dialogue.turns.order_by("position"))) if dialogue.rule_id else None
    said = red_team.attempt.outcome if red_team else ""
    avoided = offering.opted_out(reviewer)
    texts = {pk for turn in shown for pk in (turn.pk, turn.completion_id) if pk is not None}
    unwanted = cover.unwanted(dialogue.project_id, texts, avoided)
    named = not blind.names_hidden(dialogue, reviewer)
    return {
        "title": gettext("Review a %(kind)s by %(author)s")
        % {
            "kind": dialogue.kind_within,
            "author": dialogue.author or gettext("an import"),
        },
        "dialogue": dialogue,
        "project": dialogue.project,
        "turns": [
            _covered(dialogue.project, _reviewed(turn, warned.get(turn.pk), named=named), unwanted) for turn in shown
        ],
        "covering": bool(avoided),
        "page": shown,
        "item": getattr(dialogue, "review_item", None),
        "history": list(Review.objects.filter(dialogue=dialogue).select_related("reviewer")),
        "decidable": dialogue.author != reviewer and dialogue.state in Dialogue.HANDED_IN,
        "graded": dialogue.kind == Dialogue.Kind.DEMONSTRATION,
        "grades": range(1, 8),
        "return_reasons": TRY_REASONS if red_team else RETURN_REASONS,
        "red_team": red_team,
        "other_findings": [(str(value), str(words)) for value, words in Review.Finding.choices if value != said],
    }


def _covered(project: Project, shown: ReviewedTurn, unwanted: Collection[UUID]) -> ReviewedTurn:
    turn = shown.turn
    for_all = cover.covers(project, shown.verdict, by_model=turn.completion_id is not None)
    covered = for_all or turn.pk in unwanted or turn.completion_id in unwanted
    return replace(shown, cover=str(turn.pk)) if covered else shown


def _reviewed(turn: Turn, verdict: Verdict | None, *, named: bool) -> ReviewedTurn:
    by = for_reviewers(turn, named=named)
    if turn.completion is None or provenance(turn).kind != "edited":
        return ReviewedTurn(turn, by, [], verdict=verdict)
    try:
        return ReviewedTurn(turn, by, differences.edits(turn.completion.text, turn.text), verdict=verdict)
    except differences.TooLong as error:
        return ReviewedTurn(turn, by, [], str(error), verdict)
