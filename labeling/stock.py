"""Comparisons made ahead of demand, from the project's pool of prompts."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef

from labeling.candidates import new_comparison, request_missing
from labeling.leases import held_count
from labeling.models import Comparison, Project, Prompt
from labeling.projects import current_round, split_for


def keep_stock() -> int:
    """Make comparisons from each project's pool of prompts until the stock that its round wants is ready
    or on its way; each prompt once a round. Returns how many were begun."""
    projects = Project.objects.active().filter(
        stock_target__gt=0,
        task_types__contains=["ranking"],
        rounds__closed_at__isnull=True,
        rounds__policies__isnull=False,
    )
    return sum(_fill_stock(pk) for pk in projects.distinct().values_list("pk", flat=True))


@transaction.atomic
def _fill_stock(pk: UUID) -> int:
    project = Project.objects.select_for_update(skip_locked=True).filter(pk=pk).first()
    if project is None or (round_ := current_round(project)) is None:
        return 0
    ready = (
        Comparison.objects.filter(project=project, kind=Comparison.Kind.NORMAL)
        .filter(state__in=[Comparison.State.SAMPLING, Comparison.State.OPEN])
        .alias(held=held_count())
        .filter(held__lt=F("votes_wanted"))
        .order_by()[: project.stock_target]
    )
    wanted = project.stock_target - len(ready.values_list("pk"))
    if wanted <= 0:
        return 0
    used = Comparison.objects.filter(round=round_, pool_prompt=OuterRef("pk"))
    prompts = list(
        Prompt.objects.filter(project=project, retired_at__isnull=True)
        .exclude(Exists(used))
        .order_by("content_hash")[:wanted]
    )
    for prompt in prompts:
        comparison = new_comparison(
            project,
            round_,
            prompt.messages,
            key=prompt.prompt_key,
            split=split_for(project, prompt.prompt_key, prompt.author_id),
            author_id=prompt.author_id,
            pool_prompt=prompt,
        )
        request_missing(comparison)
    return len(prompts)
