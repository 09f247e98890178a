"""What waits, what is worked on and what is done in a project, as of now."""

from __future__ import annotations

from collections import Counter

from django.core.cache import cache
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Value
from django.utils import timezone

from common.clock import midnight
from labeling import progress, stock, votes
from labeling.models import Assignment, Comparison, Membership, Project, RoundPolicy
from sampler import status
from sampler.models import SampleRequest

State = SampleRequest.State
MANY = 10_000  # comparisons from which the counts are kept
KEPT = 15  # seconds


def live_progress(project: Project) -> dict[str, object]:
    """Live: what waits, what is worked on, what is done, and what the sampler has before it. Of a large project as it
    was a few seconds ago: `as_of`."""
    key = f"live-progress:{project.pk}:{midnight().isoformat()}"
    if isinstance(kept := cache.get(key), dict):
        return kept
    found, comparisons = _counted(project)
    if comparisons > MANY:
        cache.set(key, found, KEPT)
    return found


def _counted(project: Project) -> tuple[dict[str, object], int]:
    """And how many comparisons there are."""
    counts = progress.progress_of(project)
    policies = RoundPolicy.objects.filter(round__project=project, round__closed_at__isnull=True).values("model_version")
    waiting = SampleRequest.objects.filter(state__in=[State.QUEUED, State.RUNNING], model_version__in=policies)
    by_model = list(waiting.order_by().values_list("state", "model_version__slug").annotate(n=Count("pk")))
    by_state: Counter[str] = Counter()
    for state, _, n in by_model:
        by_state[state] += n
    queued = {slug for state, slug, _ in by_model if state == State.QUEUED}
    found: dict[str, object] = {
        **counts,
        **_ready_and_members(project),
        "without_completions": counts["comparisons"].get(Comparison.State.SAMPLING, 0) - counts["held"],
        "as_of": timezone.now().isoformat(),
        "waiting_for_others": _waiting_for_others(project),
        "stock_target": project.stock_target,
        "sampler_queued": by_state[State.QUEUED],
        "sampler_running": by_state[State.RUNNING],
        "unserved": sorted(status.unserved(queued)) if queued else [],
    }
    return found, sum(counts["comparisons"].values())


def _ready_and_members(project: Project) -> dict[str, int]:
    """Both in one statement."""
    members = Membership.objects.filter(project=project, ended_at__isnull=True)
    ready, there = (
        rows.order_by().values_list(Value(name)).annotate(n=Count("pk"))
        for name, rows in (("ready", _ready(project)), ("members", members))
    )
    return {"ready": 0, "members": 0} | dict(ready.union(there, all=True))


def _waiting_for_others(project: Project) -> int:
    """Of those ready, how many nobody who ranks these days may still rank; 0 where nobody ranks. Only what one of
    them had or wrote can be closed to one of them, so only that is read."""
    people = stock.active(project)
    had = Exists(Assignment.objects.filter(comparison=OuterRef("pk"), trainer__in=people))
    touched = _ready(project).filter(had | Q(author__in=people))
    if not people:
        return 0
    first, *others = (votes.open_to(touched, project, trainer).values_list("pk", flat=True) for trainer in people)
    # who has ranked nothing yet comes first: nearly all is open to them
    waiting = set(touched.exclude(pk__in=first).values_list("pk", flat=True))
    if waiting and others:
        waiting -= set(others[0].union(*others[1:]))
    return len(waiting)


def _ready(project: Project) -> QuerySet[Comparison]:
    """Open comparisons with a free vote."""
    open_to_all = Comparison.objects.filter(project=project, state=Comparison.State.OPEN, only_for__isnull=True)
    return votes.with_a_free_vote(open_to_all)
