"""Which comparisons are ranked next: a share of them by how unsure a reward model is, the others as they come.

Whether a comparison takes its turn or is held to be chosen follows from its id, before anything is known of it, so that
those that take their turn are a fair sample. More are held than are chosen: that is what there is to choose from.
Scores are made where reward models run (`manage.py score PROJECT --reward-model SLUG --watch SECONDS`).
"""

from __future__ import annotations

import logging
import math
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from itertools import combinations
from typing import NamedTuple
from uuid import UUID, uuid5

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from common.transitions import advance
from labeling import randomness, votes
from labeling.models import Comparison, Project
from sampler.models import RewardScore

log = logging.getLogger(__name__)

HELD_FOR_ONE = 3  # comparisons held for each that is chosen
PATIENCE = timedelta(hours=1)  # held so long, they are opened when there is nothing else to rank
AT_ONCE = 5
NAME = UUID("5c0f2b0e-6b1c-4f0b-9e57-1f3f3d2e9c11")  # makes of an id another draw than that of the votes

Selection = Comparison.Selection


def drawn_for(comparison: Comparison) -> str:
    """How a new comparison of the project comes to be ranked; empty where no model chooses."""
    project = comparison.project
    if not project.margin_share or project.margin_model_id is None:
        return ""
    odds = HELD_FOR_ONE * project.margin_share / (1 - project.margin_share)
    held = randomness.falls_in_share(uuid5(NAME, str(comparison.pk)), odds / (1 + odds))
    return Selection.MARGIN if held else Selection.RANDOM


def hold(comparison: Comparison) -> None:
    """Keep a comparison whose completions are all there until it is chosen."""
    Comparison.objects.filter(pk=comparison.pk, state=Comparison.State.SAMPLING).update(held_at=timezone.now())


def sureness(scores: Sequence[float]) -> float:
    """How sure a reward model is of the order of these completions: 0 not at all, 1 altogether.

    By Bradley and Terry it gives one of two the probability p = 1 / (1 + exp(-d)) of being preferred, d being the
    difference of scores: the margin is |2p - 1| = tanh(|d| / 2), and this is its mean over all pairs.
    """
    margins = [math.tanh(abs(one - other) / 2) for one, other in combinations(scores, 2)]
    return sum(margins) / len(margins)


def open_chosen() -> dict[str, int]:
    """Open what is due of the comparisons that are held; return how many by the reason."""
    outcome = {Selection.MARGIN.value: 0, Selection.REST.value: 0}
    for pk in Project.objects.filter(comparisons__in=_held()).distinct().values_list("pk", flat=True):
        with transaction.atomic():
            project = Project.objects.select_for_update(skip_locked=True, no_key=True).filter(pk=pk).first()
            if project is None:
                continue
            for sure, comparison in _due(project):
                outcome[Selection.MARGIN] += _open(comparison, Selection.MARGIN, sure, project.margin_model_id)
            for comparison in _rest(project):
                outcome[Selection.REST] += _open(comparison, Selection.REST)
    return outcome


class _Scored(NamedTuple):
    sure: float
    comparison: UUID


def _held(project: Project | None = None) -> QuerySet[Comparison]:
    rows = Comparison.objects.filter(state=Comparison.State.SAMPLING, held_at__isnull=False)
    return rows if project is None else rows.filter(project=project)


def _due(project: Project) -> list[_Scored]:
    """The least sure, as many as the share lacks, while there are enough to choose from."""
    if not project.margin_share or project.margin_model_id is None:
        return []
    opened = Comparison.objects.filter(project=project, opened_at__isnull=False)
    fair = opened.filter(selection=Selection.RANDOM).count()
    lacking = fair * project.margin_share / (1 - project.margin_share)
    due = int(lacking + 1e-9) - opened.filter(selection=Selection.MARGIN).count()
    if due <= 0:
        return []
    found = sorted(_scored(project))
    return found[: min(due, max(0, len(found) - HELD_FOR_ONE + 1))]


def _scored(project: Project) -> list[_Scored]:
    """Those of which every completion has its score."""
    wanted: dict[UUID, list[float | None]] = defaultdict(list)
    candidates = _held(project).filter(candidates__isnull=False)
    scores = dict(
        RewardScore.objects.filter(
            model_version=project.margin_model_id, completion__in=candidates.values("candidates__completion")
        ).values_list("completion_id", "score")
    )
    for comparison, completion in candidates.values_list("pk", "candidates__completion"):
        wanted[comparison].append(scores.get(completion))
    whole = {pk: [one for one in found if one is not None] for pk, found in wanted.items() if None not in found}
    return [_Scored(sureness(found), pk) for pk, found in whole.items()]


def _rest(project: Project) -> list[UUID]:
    """Those that nobody chooses any more, or that have waited long while there is nothing else to rank."""
    held = _held(project).order_by("held_at", "pk")
    if project.margin_share and project.margin_model_id is not None:
        held = held.filter(held_at__lt=timezone.now() - PATIENCE)
        ready = Comparison.objects.filter(project=project, state=Comparison.State.OPEN, only_for__isnull=True)
        if not held.exists() or votes.with_a_free_vote(ready).exists():
            return []
    return list(held.values_list("pk", flat=True)[:AT_ONCE])


def _open(pk: UUID, selection: str, sure: float | None = None, model: UUID | None = None) -> bool:
    rows = Comparison.objects.filter(pk=pk, held_at__isnull=False)
    return bool(advance(
        rows, to=Comparison.State.OPEN, table=Comparison.TRANSITIONS, opened_at=timezone.now(), selection=selection,
        selection_margin=sure, selection_model=model,
    ))  # fmt: skip
