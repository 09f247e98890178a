"""What the review of a ranking shows, and all orders of one comparison side by side: reads only.

The completions are the trainer's own cards, in the order and under the letters that the trainer saw. What the trainer
said of them is told once the reviewer has ranked them or asks for it, and never while the reviewer may yet rank them
(`labeling/quality/blind.py`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypedDict
from uuid import UUID

from django.utils.translation import gettext, gettext_noop

from accounts.models import User as Person
from common.stats.agreement import tau_b
from labeling import corrections, offering, preferences, undo
from labeling.models import Assignment, Comparison, Project, Ranking, Review, ReviewItem
from labeling.pages import cover
from labeling.pages import letters as page_letters
from labeling.pages.ranking import Card, cards_of
from labeling.pages.ranking_form import RankingForm
from labeling.quality import adjudication, blind
from labeling.quality.reviews import last_decision
from labeling.spans import Spans, plain

if TYPE_CHECKING:
    from accounts.models import User

NOT_YET, HIDDEN, SHOWN = "not yet", "hidden", "shown"
RETURN_REASONS = (
    gettext_noop("The order does not follow the guidelines."),
    gettext_noop("A completion with a mistake stands above one without."),
    gettext_noop("The grades do not fit the texts."),
    gettext_noop("It seems that not all of them were read."),
)
"""Offered for a return, by digit; a reviewer may say another."""


@dataclass(frozen=True)
class Order:
    """One order of the completions, in the letters of the page."""

    ranking: Ranking
    who: Person | None
    words: str  # 'B > A = C', or why none could be ranked
    places: Mapping[str, int]  # by letter
    grades: Mapping[str, int]
    tau: float | None = None
    sent_back: bool = False  # and not mended yet


@dataclass(frozen=True)
class Marked:
    """A mark, as somebody else reads it."""

    words: str
    category: str
    comment: str
    letter: str = ""


class RankingReview(TypedDict):
    title: str
    ranking: Ranking
    comparison: Comparison
    project: Project
    stage: str
    cards: list[Card]
    prompt_cover: Mapping[int, str]
    covering: bool
    groups: list[tuple[int, list[str]]]  # best first, each with its place
    marks: Mapping[str, list[Marked]]
    begun: Mapping[str, str]
    remarks: Mapping[UUID, list[Marked]]
    models: Mapping[str, str]
    mine: Assignment | None
    own_order: str
    own_letters: Mapping[str, str]  # by completion, as on the page on which the reviewer ranked them
    shown_from: datetime | None
    may_vote: bool
    others: list[Order]
    gold: Order | None
    contradictions: int
    item: ReviewItem | None
    history: list[Review]
    decidable: bool
    return_reasons: Sequence[str]


def ranking_review(ranking: Ranking, reviewer: User, *, asked: bool) -> RankingReview:
    """`asked`: the reviewer wants to see the order without ranking first."""
    comparison, avoided = ranking.comparison, offering.opted_out(reviewer)
    mine = Assignment.objects.filter(comparison=comparison, trainer=reviewer).first()
    stage = _stage(ranking, reviewer, mine, asked=asked)
    shown = stage == SHOWN
    form = RankingForm.from_draft(corrections.as_draft(ranking)) if shown else RankingForm()
    letters = page_letters.letters_of(ranking.order_shown)
    orders = orders_of(comparison, ranking) if shown else []
    history = list(Review.objects.filter(ranking=ranking).select_related("reviewer")) if shown else []
    own = [order for order in orders if order.who == reviewer and order.ranking.kind == Ranking.Kind.RESEARCH]
    return {
        "title": gettext("Review a ranking")
        if stage == NOT_YET
        else gettext("Review a ranking by %(author)s") % {"author": ranking.trainer or gettext("an import")},
        "ranking": ranking,
        "comparison": comparison,
        "project": comparison.project,
        "stage": stage,
        "cards": cards_of(comparison, ranking.order_shown, form, avoided),
        "prompt_cover": cover.of_prompt(comparison, avoided),
        "covering": bool(avoided),
        "groups": [
            (place, sorted(letters.get(cid, "?") for cid in group))
            for place, group in page_letters.placed(ranking.groups if shown else [])
        ],
        "marks": marks_of(ranking) if shown else {},
        "begun": _begun(history, reviewer),
        "remarks": {review.pk: remarks_of(review, ranking) for review in history if review.spans},
        "models": model_names(comparison) if shown else {},
        "mine": mine,
        "own_order": own[0].words if own else "",
        "own_letters": _other_letters(orders, reviewer, ranking),
        "shown_from": _shown_from(comparison, reviewer) if stage == NOT_YET else None,
        "may_vote": mine is None or mine.state == Assignment.State.LEASED,
        "others": [order for order in orders if order not in own and order.ranking.kind != Ranking.Kind.GOLD],
        "gold": next((order for order in orders if order.ranking.kind == Ranking.Kind.GOLD), None),
        "contradictions": len(preferences.contradictions(ranking.groups, ranking.ratings)) if shown else 0,
        "item": getattr(ranking, "review_item", None),
        "history": history,
        "decidable": shown and ranking.trainer != reviewer and _in_force(ranking),
        "return_reasons": RETURN_REASONS,
    }


def _other_letters(orders: Sequence[Order], reviewer: User, ranking: Ranking) -> dict[str, str]:
    """Those under which the reviewer ranked the completions, where they were others than the trainer's. The page keeps
    the trainer's: what a reviewer says of A is read by the trainer, whose A it has to be."""
    mine = next((one.ranking for one in orders if one.who == reviewer and one.ranking.assignment_id), None)
    if mine is None or mine.order_shown == ranking.order_shown:
        return {}
    return page_letters.letters_of(mine.order_shown)


def _stage(ranking: Ranking, reviewer: User, mine: Assignment | None, *, asked: bool) -> str:
    if blind.is_open(ranking.comparison, reviewer):
        return NOT_YET
    had = mine is not None and mine.state in (Assignment.State.SUBMITTED, Assignment.State.SKIPPED)
    return SHOWN if asked or had or ranking.trainer == reviewer else HIDDEN


def marks_of(ranking: Ranking) -> dict[str, list[Marked]]:
    """The trainer's, by completion."""
    return _read(ranking, ranking.spans)


def remarks_of(review: Review, ranking: Ranking) -> list[Marked]:
    """What a reviewer said of single words, in the order of the letters."""
    found = [one for marks in _read(ranking, review.spans).values() for one in marks]
    return sorted(found, key=lambda one: one.letter)  # a JSON object of the database keeps no order


def _read(ranking: Ranking, spans: Spans) -> dict[str, list[Marked]]:
    texts = {cid: plain(ranking.comparison.texts[cid]) for cid in spans}
    letters = page_letters.letters_of(ranking.order_shown)
    return {
        cid: [
            Marked(texts[cid][one["start"] : one["end"]], one["category"], one["comment"], letters.get(cid, "?"))
            for one in marks
        ]
        for cid, marks in spans.items()
    }


def _begun(history: Sequence[Review], reviewer: User) -> dict[str, str]:
    """What the reviewer said of words in a decision that they took back, as the page's fields hold it."""
    last = next((one for one in history if one.reviewer_id == reviewer.pk), None)
    if last is None or last.undone_at is None:
        return {}
    return {cid: json.dumps(marks, ensure_ascii=False) for cid, marks in last.spans.items()}


def _shown_from(comparison: Comparison, reviewer: User) -> datetime | None:
    """When the reviewer's own vote cannot be taken back any more: until then they see no other."""
    own = Ranking.objects.in_force().filter(comparison=comparison, trainer=reviewer, kind=Ranking.Kind.VOTE).first()
    return undo.undo_until(own.submitted_at, comparison.project.undo_minutes) if own else None


def _in_force(ranking: Ranking) -> bool:
    return ranking.undone_at is None and not hasattr(ranking, "superseded_by")


def model_names(comparison: Comparison) -> dict[str, str]:
    """By completion. Only for who may not rank it any more."""
    rows = comparison.candidates.select_related("completion__model_version")
    return {str(candidate.completion_id): candidate.completion.model_name for candidate in rows}


def orders_of(comparison: Comparison, base: Ranking | None = None) -> list[Order]:
    """Every order in force on the comparison in the letters of `base`, which is left out and compared with."""
    found = Ranking.objects.in_force().filter(comparison=comparison).select_related("trainer")
    rankings = list(found.annotate(decided=last_decision("ranking")).order_by("submitted_at", "pk"))
    if not rankings and base is None:
        return []
    letters = page_letters.letters_of((base or rankings[0]).order_shown)
    return [order_of(one, letters, base) for one in rankings if base is None or one.pk != base.pk]


def order_of(ranking: Ranking, letters: Mapping[str, str], base: Ranking | None = None) -> Order:
    places = {letters.get(cid, "?"): place for place, group in page_letters.placed(ranking.groups) for cid in group}
    return Order(
        ranking=ranking,
        who=ranking.trainer,
        words=page_letters.spelled(ranking.groups, letters) or page_letters.refusal(ranking.not_rankable),
        places=places,
        grades={letters.get(cid, "?"): grade for cid, grade in ranking.ratings.items()},
        tau=_tau(base, ranking) if base is not None else None,
        sent_back=vars(ranking).get("decided") == Review.Decision.RETURNED,
    )


def _tau(one: Ranking, other: Ranking) -> float | None:
    left, right = preferences.ranks(one.groups), preferences.ranks(other.groups)
    ids = sorted(set(left) & set(right))
    return tau_b([left[cid] for cid in ids], [right[cid] for cid in ids]) if len(ids) > 1 else None


class Adjudication(TypedDict):
    orders: list[Order]
    gold: Order | None
    own: bool
    start: Ranking


def adjudication_context(comparison: Comparison, reviewer: User, start_from: str) -> Adjudication | None:
    """All orders of a comparison; None where nobody ranked it. The workbench begins with the order `start_from`.
    Who gives an order of their own here reads no names of models."""
    votes = adjudication.votes_on(comparison)
    if not votes:
        return None
    gold = adjudication.gold_of(comparison)
    start = next((one for one in [*votes, gold] if one is not None and str(one.pk) == start_from), gold or votes[0])
    letters = page_letters.letters_of(start.order_shown)
    rows = Ranking.objects.in_force().filter(comparison=comparison).select_related("trainer")
    rows = rows.annotate(decided=last_decision("ranking"))
    return {
        "orders": [order_of(one, letters) for one in rows.order_by("submitted_at", "pk")],
        "gold": order_of(gold, letters) if gold else None,
        "own": any(vote.trainer_id == reviewer.pk for vote in votes),
        "start": start,
    }
