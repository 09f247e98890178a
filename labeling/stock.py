"""Comparisons made ahead of demand, from the project's pool of prompts."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Subquery
from django.utils import timezone

from accounts.models import User
from labeling import prompt_lengths, votes
from labeling.candidates import new_comparison, request_missing
from labeling.models import Assignment, Comparison, Membership, Project, Prompt, Ranking
from labeling.projects import current_round, split_for

ACTIVE = timedelta(days=7)  # whoever had a task since then is taken to come back for more
MOST_ACTIVE = 50  # so many people are looked at, those who ranked last first
NOT_SUBMITTED = (Assignment.State.LEASED, Assignment.State.SKIPPED, Assignment.State.EXPIRED)


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
    pool = Prompt.objects.filter(project=project, retired_at__isnull=True).exclude(Exists(used))
    pool = prompt_lengths.readable(pool, prompt_lengths.room_of(project))
    prompts = list(pool.order_by("content_hash")[:wanted])
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
    """Comparisons with a free vote, ready or on their way, for whoever of the active people may rank fewest of
    them; counted up to the stock wanted. A vote that waits for a second person is not work for the first."""
    under_way = Comparison.objects.filter(
        project=project,
        kind=Comparison.Kind.NORMAL,
        held_at__isnull=True,  # nobody may rank it yet
        state__in=[Comparison.State.SAMPLING, Comparison.State.OPEN],
    )
    ready = [votes.with_a_free_vote(under_way)]
    ready += [votes.open_to(under_way, project, trainer) for trainer in active(project)]
    return min(len(rows.order_by().values_list("pk")[: project.stock_target]) for rows in ready)


def active(project: Project) -> list[User]:
    """People who rank in the project these days: they hold, skipped or left a task, or handed one in.

    Asked once a member, and of each by an index that leads to few rows: one GROUP BY over the project's
    assignments took 0.55 s at 5,000 of them, every few seconds.
    """
    since = timezone.now() - ACTIVE
    theirs = {"trainer": OuterRef("user"), "comparison__project": project}
    begun = Assignment.objects.filter(**theirs, state__in=NOT_SUBMITTED, heartbeat_at__gte=since)
    ranked = Ranking.objects.filter(**theirs, submitted_at__gte=since)
    last = Ranking.objects.filter(trainer=OuterRef("user")).order_by("-submitted_at").values("submitted_at")
    rankers = Membership.objects.filter(project=project, ended_at__isnull=True, role__in=Membership.RANKERS)
    seen = rankers.filter(Exists(begun) | Exists(ranked)).select_related("user")
    return [member.user for member in seen.order_by(Subquery(last[:1]).desc(nulls_first=True))[:MOST_ACTIVE]]
