"""New thresholds on old verdicts: what follows from the stored scores, without asking the filter again. Before they are
set, a preview says what would have happened.

The thresholds' rows are the work (`applied_at` is empty); whoever sets one rings, and beat rings again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from labeling import harms
from labeling.models import Project
from moderation import verdicts
from moderation.models import Threshold, Verdict
from screening import verdicts as stored
from screening.rules import Limits, judge, plan_for, thresholds

Action, Target = Verdict.Action, Verdict.Target
PREVIEWED = 1_000
SETTLED = timedelta(seconds=10)  # until then somebody may give a verdict by the thresholds before
EXAMPLES = 3


def waiting(project: Project) -> QuerySet[Threshold]:
    """Thresholds under which the verdicts on record were not judged yet."""
    return Threshold.objects.filter(project=project, applied_at__isnull=True)


def apply(project: Project) -> int:
    """Judge a project's verdicts anew where its thresholds changed; how many changed. Doing it twice does no harm."""
    changed = 0
    for name in set(waiting(project).order_by().values_list("filter", flat=True)):
        rows = list(waiting(project).filter(filter=name).values_list("pk", flat=True))
        limits = thresholds(project.pk, name)
        for batch in stored.rejudge(project=project.pk, name=name, limits=limits):
            _act(project, batch)
            changed += len(batch)
        now = timezone.now()
        Threshold.objects.filter(pk__in=rows, created_at__lt=now - SETTLED).update(applied_at=now)
    return changed


def _act(project: Project, changed: list[Verdict]) -> None:
    """What a block takes out of work stays out where a later threshold frees it; completions wait or count as the
    verdicts say."""
    completions = [verdict.target_id for verdict in changed if verdict.target == Target.COMPLETION]
    if completions:
        verdicts.set_standing(plan_for(project.pk), completions)
    for target in {verdict.target for verdict in changed} - {Target.MESSAGE}:
        texts = [verdict.target_id for verdict in changed if verdict.target == target]
        harms.state_of_texts(project=project.pk, target=target, text_ids=texts)
    for verdict in changed:
        if verdict.action == Action.BLOCK and verdict.target != Target.MESSAGE:
            verdicts.block(verdict)


@dataclass(frozen=True)
class Change:
    """Of one category: how many texts it decided, under the thresholds of now and under others."""

    category: str
    warned: int
    blocked: int
    would_warn: int
    would_block: int


@dataclass(frozen=True)
class Preview:
    """What other thresholds would have done with the newest texts."""

    texts: int
    changes: list[Change]
    more: list[str]  # texts that would get a stricter answer, a few
    fewer: list[str]


def preview(project: Project, name: str, limits: Limits) -> Preview:
    now, then = thresholds(project.pk, name), limits
    before: Counter[tuple[str, str]] = Counter()
    after: Counter[tuple[str, str]] = Counter()
    stricter: list[Verdict] = []
    milder: list[Verdict] = []
    seen = 0
    for verdict in newest(project, name):
        seen += 1
        old, new = judge(verdict.scores, now), judge(verdict.scores, then)
        before[old[1], old[0]] += 1
        after[new[1], new[0]] += 1
        if _strictness(new[0]) != _strictness(old[0]):
            (stricter if _strictness(new[0]) > _strictness(old[0]) else milder).append(verdict)
    changes = [
        Change(category, before[category, Action.WARN], before[category, Action.BLOCK],
               after[category, Action.WARN], after[category, Action.BLOCK])
        for category in sorted(limits)
    ]  # fmt: skip
    return Preview(seen, changes, _texts(stricter), _texts(milder))


def newest(project: Project, name: str) -> Iterator[Verdict]:
    """The filter's last verdicts, one of each text."""
    known: set[UUID] = set()
    rows = Verdict.objects.filter(project=project, filter=name, failed="").order_by("-created_at")
    for verdict in rows[: 2 * PREVIEWED]:
        if verdict.target_id not in known and len(known) < PREVIEWED:
            known.add(verdict.target_id)
            yield verdict


def _strictness(action: str) -> int:
    order: Mapping[str, int] = {Action.NONE: 0, Action.WARN: 1, Action.BLOCK: 2}
    return order[action]


def _texts(some: list[Verdict]) -> list[str]:
    return [text for verdict in some[:EXAMPLES] if (text := verdicts.text_of(verdict))]
