"""Goals of a round: what it is to bring, what each trainer is to do, what is left, and when that is done at this pace.

Rankings are votes in force on the round's comparisons; demonstrations are those handed in. A pace is that of the last
seven days, or of the round's own where it is younger.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, TypedDict, Unpack
from uuid import UUID

from django.core.cache import cache
from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import JSONObject
from django.utils import timezone

from common.clock import midnight
from common.shapes import JsonObject
from labeling.errors import Invalid
from labeling.models import Dialogue, Membership, Ranking, Round

if TYPE_CHECKING:
    from accounts.models import User

OVER = timedelta(days=7)
FURTHEST = timedelta(days=3650)  # further away no day is told
MANY = 5_000  # pieces of work from which a count is kept for a minute
KEPT = 60
MOST = 10_000_000
RANKINGS, DEMONSTRATIONS = KINDS = ("rankings", "demonstrations")
Counts = dict[str, tuple[int, int, int]]  # all, of the last seven days, of today; by user name


class Numbers(TypedDict, total=False):
    """Of a round; 0 stands for none."""

    goal_rankings: int
    goal_demonstrations: int
    share_rankings: int
    share_demonstrations: int


@dataclass(frozen=True)
class Part:
    """What was done of a goal, by everybody or by one person, and what is left of it."""

    target: int  # 0: none
    done: int
    today: int
    pace: float  # a day
    ends: date | None  # at this pace; None where it is reached, where nothing comes in, or where the round is closed

    @property
    def left(self) -> int:
        return max(0, self.target - self.done)

    @property
    def percent(self) -> int:
        return min(100, 100 * self.done // self.target) if self.target else 0


@dataclass(frozen=True)
class Goal:
    """One kind of work in a round."""

    kind: str
    whole: Part
    people: list[tuple[str, Part]]  # by user name


def set_goals(*, round: Round, **numbers: Unpack[Numbers]) -> None:
    """What the round is to bring from now on.

    Raises:
        Invalid: a number is out of range.
    """
    for name, value in numbers.items():
        if not isinstance(value, int) or not 0 <= value <= MOST:
            raise Invalid("A goal is a number from 0 to %(most)s.", field=name, most=MOST)
        setattr(round, name, value)
    Round.objects.filter(pk=round.pk).update(**numbers)


def goals_of(round_: Round) -> list[Goal]:
    """Those that are set; by person where work was done or a share is set."""
    kinds = [kind for kind in KINDS if _target(round_, kind) or _share(round_, kind)]
    counts = _counts(round_) if kinds else {}
    trainers = list(_trainers(round_)) if any(_share(round_, kind) for kind in kinds) else []
    return [_goal(round_, kind, counts.get(kind, {}), trainers) for kind in kinds]


def wholes_of(round_: Round) -> list[Goal]:
    """The round's own goals, without what each person did."""
    kinds = [kind for kind in KINDS if _target(round_, kind)]
    counts = _counts(round_) if kinds else {}
    return [Goal(kind, _whole(round_, kind, counts.get(kind, {})), []) for kind in kinds]


def _goal(round_: Round, kind: str, counts: Counts, trainers: list[str]) -> Goal:
    share = _share(round_, kind)
    if share:
        counts = dict.fromkeys(trainers, (0, 0, 0)) | counts
    people = [(name, _part(round_, share, *found)) for name, found in counts.items()]
    people.sort(key=lambda one: (-one[1].done, one[0]))
    return Goal(kind, _whole(round_, kind, counts), people)


def _whole(round_: Round, kind: str, counts: Counts) -> Part:
    return _part(
        round_, _target(round_, kind), *(sum(found[place] for found in counts.values()) for place in range(3))
    )  # fmt: skip


def _target(round_: Round, kind: str) -> int:
    return round_.goal_rankings if kind == RANKINGS else round_.goal_demonstrations


def _share(round_: Round, kind: str) -> int:
    return round_.share_rankings if kind == RANKINGS else round_.share_demonstrations


def _part(round_: Round, target: int, done: int, recent: int, today: int) -> Part:
    now = timezone.now()
    until = round_.closed_at or now
    days = max(timedelta(days=1), min(OVER, until - round_.opened_at)) / timedelta(days=1)
    pace = recent / days
    return Part(target, done, today, pace, None if round_.closed_at else _end(target - done, pace, now))


def _end(left: int, pace: float, now: datetime) -> date | None:
    if left <= 0 or not pace:
        return None
    needed = left / pace
    return timezone.localdate(now + timedelta(days=needed)) if needed < FURTHEST.days else None


def _trainers(round_: Round) -> QuerySet[Membership, str]:
    members = Membership.objects.filter(project=round_.project_id, ended_at__isnull=True, role=Membership.Role.TRAINER)
    return members.values_list("user__username", flat=True)


def _votes() -> QuerySet[Ranking]:
    return Ranking.objects.in_force().filter(kind=Ranking.Kind.VOTE).order_by()


def _written() -> QuerySet[Dialogue]:
    return Dialogue.objects.submitted().filter(kind=Dialogue.Kind.DEMONSTRATION).order_by()


def _counts(round_: Round) -> dict[str, Counts]:
    """By kind, in one query."""
    day = midnight()
    key = f"goals:{round_.pk}:{day.isoformat()}"
    if isinstance(kept := cache.get(key), dict):
        return kept
    since = (round_.closed_at or timezone.now()) - OVER
    counts = {
        "n": Count("pk"), "recent": Count("pk", filter=Q(submitted_at__gte=since)),
        "today": Count("pk", filter=Q(submitted_at__gte=day)),
    }  # fmt: skip
    ranked = _votes().filter(comparison__round=round_).annotate(what=Value(RANKINGS), who=F("trainer__username"))
    written = _written().filter(round=round_).annotate(what=Value(DEMONSTRATIONS), who=F("author__username"))
    found: dict[str, Counts] = {kind: {} for kind in KINDS}
    rows = ranked.values_list("what", "who").annotate(**counts)
    for what, who, whole, recent, today in rows.union(written.values_list("what", "who").annotate(**counts), all=True):
        if who is not None:
            found[what][who] = whole, recent, today
    if sum(whole for kind in KINDS for whole, _, _ in found[kind].values()) > MANY:
        cache.set(key, found, KEPT)
    return found


@dataclass(frozen=True)
class Share:
    """What one person is to do in the open round of a project, and has done."""

    kind: str
    done: int
    share: int


def open_share() -> Subquery:
    """What each trainer is to do in the open round of the outer query's project; nothing where no share is set."""
    rows = Round.objects.filter(project=OuterRef("project"), closed_at__isnull=True)
    found = JSONObject(round="pk", rankings="share_rankings", demonstrations="share_demonstrations")
    return Subquery(rows.filter(Q(share_rankings__gt=0) | Q(share_demonstrations__gt=0)).values(found=found))


def shares_of(user: User, shares: Mapping[UUID, JsonObject | None]) -> dict[UUID, list[Share]]:
    """By project, of what `open_share` found for it: one query, and none where no share is set."""
    asked = {project: share for project, share in shares.items() if share}
    if not asked:
        return {}
    rounds = [UUID(str(share["round"])) for share in asked.values()]
    ranked = _votes().filter(trainer=user, comparison__round__in=rounds)
    written = _written().filter(author=user, round__in=rounds)
    rows = (
        ranked.annotate(what=Value(RANKINGS), of=F("comparison__round"))
        .values_list("what", "of")
        .annotate(n=Count("pk"))
        .union(
            written.annotate(what=Value(DEMONSTRATIONS), of=F("round"))
            .values_list("what", "of")
            .annotate(n=Count("pk")),
            all=True,
        )
    )
    done = {(what, str(pk)): n for what, pk, n in rows}
    return {
        project: [
            Share(kind, done.get((kind, str(share["round"])), 0), int(str(share[kind])))
            for kind in KINDS
            if share[kind]
        ]
        for project, share in asked.items()
    }
