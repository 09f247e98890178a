"""Comparisons made ahead of demand, from the project's pool of prompts."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef

from labeling import votes
from labeling.candidates import new_comparison, request_missing
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
    project = Project.objects.select_for_update(skip_locked=True, no_key=True).filter(pk=pk).first()
    if project is None or (round_ := current_round(project)) is None:
        return 0
    wanted = project.stock_target - _in_stock(project)
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


def _in_stock(project: Project) -> int:
    """Comparisons with a free vote, ready or on their way; counted up to the stock wanted."""
    under_way = Comparison.objects.filter(
        project=project,
        kind=Comparison.Kind.NORMAL,
        state__in=[Comparison.State.SAMPLING, Comparison.State.OPEN],
    )
    ready = votes.with_a_free_vote(under_way).order_by()[: project.stock_target]
    return len(ready.values_list("pk"))
