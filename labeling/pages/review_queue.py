"""The review queue as a reviewer sees it: what waits, narrowed by reason, trainer and round, what comes next, and
the reviewer's own numbers. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode
from uuid import UUID

from django.core.cache import cache
from django.core.paginator import Page, Paginator
from django.db.models import Count, Q, QuerySet, Window
from django.utils.translation import gettext

from accounts.models import User as Person
from common.addresses import address_of
from common.clock import midnight
from common.compiled import compiled, planned_each_time
from common.shapes import Message
from labeling import preferences
from labeling.models import Project, Ranking, Review, ReviewItem, Round, Turn
from labeling.models.dialogues import kind_within
from labeling.quality import reviews
from labeling.quality import waiting as waits
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
    if after is None:
        return waiting(project, reviewer, filters).select_related(None).first()
    if not filters.query:
        return waits.following(project, reviewer, after=after)
    return waits.following_of(waiting(project, reviewer, filters), after=after)


def count(project: Project, reviewer: User, filters: Filters) -> int:
    return waiting(project, reviewer, filters).count() if filters.query else waits.count(project, reviewer)


def address(item: ReviewItem, filters: Filters) -> str:
    return _address(item.ranking_id, item.dialogue_id, filters)


def _address(ranking: UUID | None, dialogue: UUID | None, filters: Filters) -> str:
    """Of the one of both that is there."""
    name, pk = ("review-ranking", ranking) if ranking else ("review-dialogue", dialogue)
    assert pk is not None
    return address_of(name, pk) + filters.query


@dataclass(frozen=True)
class Row:
    """A line of the queue."""

    item: UUID
    address: str
    title: str
    kind: str
    author: str
    reasons: str
    created_at: datetime
    comparison: UUID | None  # one on which votes disagree


READ = (
    *("pk", "ranking", "dialogue", "reasons", "created_at", "ranking__trainer", "ranking__comparison"),
    *("ranking__comparison__prompt", "dialogue__author", "dialogue__kind", "dialogue__rule"),
)


def rows(project: Project, reviewer: User, filters: Filters, number: str | None) -> tuple[Page[int], list[Row]]:
    """A page of the queue. Their ids come first: the whole rows of a long queue are too wide to be sorted."""
    if number:
        queue = waiting(project, reviewer, filters).select_related(None).values_list("pk", flat=True)
        page = Paginator(range(queue.count()), ON_A_PAGE).get_page(number)
        ids = list(queue[(page.number - 1) * ON_A_PAGE :][:ON_A_PAGE])
    else:
        found = _first_page(project, reviewer, filters)
        page = Paginator(range(found[0][1] if found else 0), ON_A_PAGE).page(1)
        ids = [pk for pk, _ in found]
    return page, _rows(ids, filters)


def _first_page(project: Project, reviewer: User, filters: Filters) -> list[tuple[UUID, int]]:
    """Ids, each with the number of all that wait: who opens a queue has it looked through once."""
    if not filters.query and waits.is_given_everything(project, reviewer):
        return _oldest(project, reviewer)
    return list(_counted(waiting(project, reviewer, filters).select_related(None)))


@compiled
def _oldest(project: Project, reviewer: User) -> QuerySet[ReviewItem, tuple[UUID, int]]:
    return _counted(waits.everything(project, reviewer).order_by("created_at", "pk"))


def _counted(queue: QuerySet[ReviewItem]) -> QuerySet[ReviewItem, tuple[UUID, int]]:
    return queue.annotate(whole=Window(Count("*"))).values_list("pk", "whole")[:ON_A_PAGE]


def _rows(ids: Sequence[UUID], filters: Filters) -> list[Row]:
    items = list(ReviewItem.objects.filter(pk__in=ids).order_by("created_at", "pk").values(*READ))
    authors = _names({item["ranking__trainer"] or item["dialogue__author"] for item in items})
    said = _first_turns([item["dialogue"] for item in items if item["dialogue"]])
    ranking, no_text = gettext("ranking"), gettext("(no text)")
    words = {value: str(label) for value, label in ReviewItem.Reason.choices}
    found = []
    for item in items:
        kind = ranking
        if item["dialogue"]:
            kind = kind_within(item["dialogue__kind"], under_a_rule=item["dialogue__rule"] is not None)
        disagrees = ReviewItem.Reason.LOW_AGREEMENT in item["reasons"]
        found.append(
            Row(
                item=item["pk"],
                address=_address(item["ranking"], item["dialogue"], filters),
                title=opening(said.get(item["dialogue"]) or item["ranking__comparison__prompt"] or []) or no_text,
                kind=kind,
                author=authors[item["ranking__trainer"] or item["dialogue__author"]],
                reasons=", ".join(words[reason] for reason in item["reasons"]),
                created_at=item["created_at"],
                comparison=item["ranking__comparison"] if disagrees else None,
            )
        )
    return found


def _names(people: set[int | None]) -> dict[int | None, str]:
    """By id; of no person for an import."""
    found = Person.objects.only("username", "first_name", "last_name").in_bulk(people - {None})
    return {None: gettext("imported"), **{pk: str(person) for pk, person in found.items()}}


def _first_turns(dialogues: Sequence[UUID]) -> dict[UUID, list[Message]]:
    found: dict[UUID, list[Message]] = {dialogue: [] for dialogue in dialogues}
    if dialogues:
        turns = Turn.objects.filter(dialogue__in=dialogues, position__lt=2).order_by("position")
        for dialogue, role, text in turns.values_list("dialogue", "role", "text"):
            found[dialogue].append({"role": role, "content": text})
    return found


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
    reasons = [(value, str(words)) for value, words in ReviewItem.Reason.choices]
    return Choices(reasons, _members(project), _round_numbers(project))


@compiled
def _members(project: Project) -> QuerySet[Person]:
    people = Person.objects.filter(memberships__project=project).order_by("username")
    return people.only("username", "first_name", "last_name")


@compiled
def _round_numbers(project: Project) -> QuerySet[Round, int]:
    return Round.objects.filter(project=project).order_by("-number").values_list("number", flat=True)


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
    today = midnight()
    found = next(iter(_decided(project, reviewer, today, today - timedelta(days=6))), (0,) * 7)
    of_today, of_week, alone, accepted, returned, edited, in_bulk = found
    blind, agreed, compared = _blind_agreement(project, reviewer)
    figures = OwnFigures(
        today=of_today,
        week=of_week,
        accepted=round(100 * accepted / alone) if alone else None,
        returned=returned,
        edited=edited,
        in_bulk=in_bulk,
        blind=blind,
        agreement=round(100 * agreed / compared) if compared else None,
    )
    return figures, alone + in_bulk


@compiled
def _decided(
    project: Project, reviewer: User, today: datetime, week: datetime
) -> QuerySet[Review, tuple[int, int, int, int, int, int, int]]:
    """How many decisions since `today` and since `week`, then of all times; the last number is of those in bulk."""
    here = Q(ranking__comparison__project=project) | Q(dialogue__project=project)
    alone = Q(bulk__isnull=True)
    rows = Review.objects.in_force().filter(here, reviewer=reviewer).order_by().values("reviewer")
    return rows.annotate(
        today=Count("pk", filter=alone & Q(created_at__gte=today)),
        week=Count("pk", filter=alone & Q(created_at__gte=week)),
        alone=Count("pk", filter=alone),
        accepted=Count("pk", filter=alone & Q(decision=Review.Decision.ACCEPTED)),
        returned=Count("pk", filter=alone & Q(decision=Review.Decision.RETURNED)),
        edited=Count("pk", filter=alone & Q(decision=Review.Decision.EDITED)),
        in_bulk=Count("pk", filter=~alone),
    ).values_list("today", "week", "alone", "accepted", "returned", "edited", "in_bulk")


def _blind_agreement(project: Project, reviewer: User) -> tuple[int, int, int]:
    """Blind votes beside a trainer's, and of their pairs that both put in strict order: agreed, compared."""
    mine = _blind_votes(project, reviewer)
    own = {comparison: frozenset(preferences.strict_pairs(groups)) for comparison, groups in mine}
    votes = Ranking.objects.in_force().filter(not_rankable="", kind=Ranking.Kind.VOTE, comparison__in=list(own))
    others = votes.exclude(trainer=reviewer).order_by()
    theirs = list(others.values_list("comparison_id", "groups")) if own else []
    agreed = compared = 0
    for comparison, groups in theirs:
        for chosen, rejected in preferences.strict_pairs(groups):
            agreed += (chosen, rejected) in own[comparison]
            compared += (chosen, rejected) in own[comparison] or (rejected, chosen) in own[comparison]
    return len({comparison for comparison, _ in theirs}), agreed, compared


@planned_each_time
def _blind_votes(project: Project, reviewer: User) -> QuerySet[Ranking, tuple[UUID, list[list[str]]]]:
    standing = Ranking.objects.in_force().filter(comparison__project=project, not_rankable="")
    mine = standing.filter(trainer=reviewer, kind=Ranking.Kind.RESEARCH).order_by("-submitted_at")
    return mine.values_list("comparison_id", "groups")[:AGREEMENT_OVER]
