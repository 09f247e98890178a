"""The review queue as a reviewer sees it: what waits, narrowed by reason, trainer and round, what comes next, and
the reviewer's own numbers. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode
from uuid import UUID

from django.core.cache import cache
from django.core.paginator import Page, Paginator
from django.db.models import Count, Prefetch, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext

from accounts.models import User as Person
from common.clock import midnight
from labeling import preferences
from labeling.models import Membership, Project, Ranking, Review, ReviewItem, Round, Turn
from labeling.quality import reviews
from labeling.text import as_read, opening

if TYPE_CHECKING:
    from accounts.models import User

ON_A_PAGE = 50
AT_MOST = 60  # characters of an opening, where it only reminds
AGREEMENT_OVER = 500  # most recent blind votes
MANY = 1_000  # decisions of a reviewer from which their figures are kept for a minute
KEPT = 60


@dataclass(frozen=True)
class Filters:
    """What the queue is narrowed to; empty: everything. Kept in the address from item to item."""

    reason: str = ""
    trainer: str = ""
    round: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Filters:
        reason, number = query.get("reason", ""), query.get("round", "")
        return cls(
            reason=reason if reason in ReviewItem.Reason.values else "",
            trainer=query.get("trainer", "").replace("\x00", ""),
            round=number if number.isascii() and number.isdigit() and len(number) < 7 else "",
        )

    @property
    def query(self) -> str:
        """For an address: `?reason=fast`, or nothing."""
        chosen = {name: value for name, value in vars(self).items() if value}
        return f"?{urlencode(chosen)}" if chosen else ""

    def narrow(self, items: QuerySet[ReviewItem]) -> QuerySet[ReviewItem]:
        if self.reason == ReviewItem.Reason.RED_TEAM:
            items = items.filter(dialogue__rule__isnull=False)
        elif self.reason:
            items = items.filter(reasons__contains=[self.reason])
        if self.trainer:
            theirs = Q(ranking__trainer__username=self.trainer) | Q(dialogue__author__username=self.trainer)
            items = items.filter(theirs)
        if self.round:
            number = int(self.round)
            items = items.filter(Q(ranking__comparison__round__number=number) | Q(dialogue__round__number=number))
        return items


def waiting(project: Project, reviewer: User, filters: Filters) -> QuerySet[ReviewItem]:
    return filters.narrow(reviews.queue([project], reviewer)).order_by("created_at", "pk")


def following(
    project: Project, reviewer: User, filters: Filters, *, after: ReviewItem | None = None
) -> ReviewItem | None:
    """The next one that waits; after the last, the first again."""
    rows = waiting(project, reviewer, filters).select_related(None)
    if after is None:
        return rows.first()
    later = Q(created_at__gt=after.created_at) | Q(created_at=after.created_at, pk__gt=after.pk)
    return rows.filter(later).first() or rows.exclude(pk=after.pk).first()


def address(item: ReviewItem, filters: Filters) -> str:
    name, pk = ("review-ranking", item.ranking_id) if item.ranking_id else ("review-dialogue", item.dialogue_id)
    return reverse(name, args=[pk]) + filters.query


@dataclass(frozen=True)
class Row:
    """A line of the queue."""

    item: ReviewItem
    address: str
    title: str
    kind: str
    author: Person | None
    reasons: list[str]
    comparison: str  # id of one on which votes disagree


def rows(project: Project, reviewer: User, filters: Filters, page: str | None) -> tuple[Page[UUID], list[Row]]:
    """A page of the queue. Their ids come first: the whole rows of a long queue are too wide to be sorted."""
    queue = waiting(project, reviewer, filters)
    found = Paginator(queue.select_related(None).values_list("pk", flat=True), ON_A_PAGE).get_page(page)
    first_turns = Prefetch("dialogue__turns", Turn.objects.filter(position__lt=2).order_by("position"))
    wide = reviews.with_its_work(ReviewItem.objects.filter(pk__in=list(found))).prefetch_related(first_turns)
    return found, [_row(item, filters) for item in wide.order_by("created_at", "pk")]


def _row(item: ReviewItem, filters: Filters) -> Row:
    where = address(item, filters)
    reasons = reason_words(item)
    if item.ranking is not None:
        comparison = item.ranking.comparison
        disagrees = ReviewItem.Reason.LOW_AGREEMENT in item.reasons
        title, on = opening(comparison.prompt), str(comparison.pk) if disagrees else ""
        return Row(item, where, title, "ranking", item.ranking.trainer, reasons, on)
    assert item.dialogue is not None
    said = opening([{"role": turn.role, "content": turn.text} for turn in item.dialogue.turns.all()])
    return Row(item, where, said, item.dialogue.kind_within, item.dialogue.author, reasons, "")


def what_of(review: Review | None) -> str:
    """What a decision was on, in a line: whose work, and how it begins."""
    if review is None:
        return ""
    if review.ranking is not None:
        kind, author = gettext("ranking"), review.ranking.trainer
        said = as_read(opening(review.ranking.comparison.prompt))
    else:
        assert review.dialogue is not None
        kind, author, said = review.dialogue.kind_within, review.dialogue.author, ""
    words = gettext("%(kind)s by %(author)s") % {"kind": kind, "author": author or gettext("an import")}
    return f"{words}, “{said[: AT_MOST - 1]}…”" if len(said) > AT_MOST else f"{words}, “{said}”" if said else words


def reason_words(item: ReviewItem | None) -> list[str]:
    return [str(ReviewItem.Reason(reason).label) for reason in item.reasons] if item else []


@dataclass(frozen=True)
class Choices:
    """What the filters offer."""

    reasons: Sequence[tuple[str, str]]
    trainers: list[Person]
    rounds: list[int]


def choices(project: Project) -> Choices:
    members = Membership.objects.filter(project=project).select_related("user").order_by("user__username")
    numbers = Round.objects.filter(project=project).order_by("-number").values_list("number", flat=True)
    reasons = [(value, str(words)) for value, words in ReviewItem.Reason.choices]
    return Choices(reasons, [member.user for member in members], list(numbers))


@dataclass(frozen=True)
class OwnFigures:
    """A reviewer's own numbers in a project, of decisions taken one by one; those over many are counted apart."""

    today: int
    week: int
    accepted: int | None  # percent of all
    returned: int
    edited: int
    in_bulk: int
    blind: int  # own blind votes that trainers ordered too
    agreement: int | None  # percent of the pairs that they and trainers put in strict order


def own_figures(project: Project, reviewer: User) -> OwnFigures:
    """Of whoever has decided on much, as they were at most a minute ago."""
    key = f"own-figures:{project.pk}:{reviewer.pk}:{midnight().isoformat()}"
    if isinstance(kept := cache.get(key), OwnFigures):
        return kept
    figures, decided = _own_figures(project, reviewer)
    if decided > MANY:
        cache.set(key, figures, KEPT)
    return figures


def _own_figures(project: Project, reviewer: User) -> tuple[OwnFigures, int]:
    here = Q(ranking__comparison__project=project) | Q(dialogue__project=project)
    alone, today = Q(bulk__isnull=True), midnight()
    counts = (
        Review.objects.in_force()
        .filter(here, reviewer=reviewer)
        .aggregate(
            today=Count("pk", filter=alone & Q(created_at__gte=today)),
            week=Count("pk", filter=alone & Q(created_at__gte=today - timedelta(days=6))),
            all=Count("pk", filter=alone),
            accepted=Count("pk", filter=alone & Q(decision=Review.Decision.ACCEPTED)),
            returned=Count("pk", filter=alone & Q(decision=Review.Decision.RETURNED)),
            edited=Count("pk", filter=alone & Q(decision=Review.Decision.EDITED)),
            in_bulk=Count("pk", filter=~alone),
        )
    )
    blind, agreed, compared = _blind_agreement(project, reviewer)
    figures = OwnFigures(
        today=counts["today"],
        week=counts["week"],
        accepted=round(100 * counts["accepted"] / counts["all"]) if counts["all"] else None,
        returned=counts["returned"],
        edited=counts["edited"],
        in_bulk=counts["in_bulk"],
        blind=blind,
        agreement=round(100 * agreed / compared) if compared else None,
    )
    return figures, counts["all"] + counts["in_bulk"]


def _blind_agreement(project: Project, reviewer: User) -> tuple[int, int, int]:
    """Blind votes beside a trainer's, and of their pairs that both put in strict order: agreed, compared."""
    standing = Ranking.objects.in_force().filter(comparison__project=project, not_rankable="")
    mine = standing.filter(trainer=reviewer, kind=Ranking.Kind.RESEARCH).order_by("-submitted_at")
    own = {
        comparison: frozenset(preferences.strict_pairs(groups))
        for comparison, groups in mine.values_list("comparison_id", "groups")[:AGREEMENT_OVER]
    }
    votes = standing.filter(kind=Ranking.Kind.VOTE, comparison__in=list(own)).exclude(trainer=reviewer).order_by()
    theirs = list(votes.values_list("comparison_id", "groups")) if own else []
    agreed = compared = 0
    for comparison, groups in theirs:
        for chosen, rejected in preferences.strict_pairs(groups):
            agreed += (chosen, rejected) in own[comparison]
            compared += (chosen, rejected) in own[comparison] or (rejected, chosen) in own[comparison]
    return len({comparison for comparison, _ in theirs}), agreed, compared
