"""A project with accounts that exists for the length of a check, and whatever comes of it, removed without a trace.

Only the audit log keeps that it was there: ids, no text.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet

from accounts import tokens
from accounts.models import User
from exports import storage
from exports.models import ExportRun
from labeling import projects
from labeling.models import (
    Assignment,
    Candidate,
    Comparison,
    ComparisonRequest,
    Dialogue,
    Membership,
    Project,
    Ranking,
    Turn,
)
from sampler import sampling
from sampler.models import Completion, ModelVersion, SampleRequest

PREFIX = "selfcheck-"


@dataclass(frozen=True)
class CheckProject:
    project: Project
    users: dict[str, User]
    tokens: dict[str, str]


@transaction.atomic
def make(*, version: ModelVersion, names: tuple[str, ...] = ("chats", "ranks")) -> CheckProject:
    """A project of K=4 with these trainers and an open round of one model version."""
    mark = secrets.token_hex(4)
    project = projects.create_project(
        slug=f"{PREFIX}{mark}",
        title=f"Self-check {mark}",
        guidelines="A check of the machinery: nothing in here is meant.",
        throwaway=True,
        completions_per_comparison=4,
        overlap_share=0.0,
        stock_target=0,
        max_tokens=48,
        near_duplicate_threshold=1.0,
    )
    users, made = {}, {}
    for name in names:
        users[name] = User.objects.create_user(f"{PREFIX}{mark}-{name}", password=None)
        projects.set_membership(project=project, user=users[name], role=Membership.Role.TRAINER)
        made[name] = tokens.create(user=users[name], name="selfcheck")
    projects.open_round(project=project, policies=[(version, 1.0, {"temperature": 1.0, "max_tokens": 48})])
    return CheckProject(project, users, made)


def remove(made: CheckProject) -> None:
    """Everything that the project led to, in the order that its protected references allow."""
    project = made.project
    requests = _requests(project)
    for pk in requests.filter(finished_at__isnull=True).values_list("pk", flat=True):
        sampling.cancel(request_id=pk)
    for run in ExportRun.objects.filter(project=project).exclude(path=""):
        storage.remove(run.path, [file["path"] for file in (run.manifest or {}).get("files", [])])
    with transaction.atomic():
        request_ids = list(_requests(project).values_list("pk", flat=True))
        comparisons = Comparison.objects.filter(project=project)
        Ranking.objects.filter(assignment__comparison__in=comparisons).delete()
        Assignment.objects.filter(comparison__in=comparisons).delete()
        Candidate.objects.filter(comparison__in=comparisons).delete()
        comparisons.delete()
        Dialogue.objects.filter(project=project).update(pending_request=None)
        Turn.objects.filter(dialogue__project=project).delete()
        Dialogue.objects.filter(project=project).delete()
        Completion.objects.filter(request__in=request_ids).delete()
        SampleRequest.objects.filter(pk__in=request_ids).delete()
        project.rounds.all().delete()
        project.delete()
        for user in made.users.values():
            user.delete()


def _requests(project: Project) -> QuerySet[SampleRequest]:
    ids = set(ComparisonRequest.objects.filter(comparison__project=project).values_list("request", flat=True))
    ids |= set(Turn.objects.filter(dialogue__project=project).values_list("completion__request", flat=True))
    ids |= set(Dialogue.objects.filter(project=project).values_list("pending_request", flat=True))
    return SampleRequest.objects.filter(pk__in=ids - {None})
