"""Writes on AI judges: appointed and dismissed by a project's managers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from accounts.audit import record
from labeling.ai_judges import prompts
from labeling.errors import Gone, Invalid
from labeling.models import AiJudge, AiVerdict, Project
from sampler import sampling
from sampler.models import ModelVersion, SampleRequest

if TYPE_CHECKING:
    from accounts.models import User

MOST = 5  # that judge at a time


@transaction.atomic
def appoint(
    *, project: Project, model_version: ModelVersion, prompt: str, share: float, by: User | None = None
) -> AiJudge:
    """A new judge of a share of the project's comparisons, those that are there already among them.

    Raises:
        Invalid: the model version writes no text, the prompt lacks a place, the share is none, or there are enough.
    """
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    if model_version.role != ModelVersion.Role.POLICY or model_version.state == ModelVersion.State.RETIRED:
        raise Invalid("%(model)s cannot be asked for text.", model=model_version.slug, field="model_version")
    if not 0 < share <= 1:
        raise Invalid("The share has to be above 0 and at most 1.", field="share")
    of_project = AiJudge.objects.filter(project=project)
    if of_project.filter(ended_at__isnull=True).count() >= MOST:
        raise Invalid("There are %(most)s judges already. Dismiss one first.", most=MOST)
    judge = AiJudge.objects.create(
        project=project,
        number=(of_project.aggregate(last=Max("number"))["last"] or 0) + 1,
        model_version=model_version,
        prompt=prompts.check(prompt),
        share=share,
        created_by=by,
    )
    record(actor=by, action="ai_judge.appointed", obj=judge)
    return judge


@transaction.atomic
def dismiss(*, judge: AiJudge, by: User | None = None) -> None:
    """It is asked no more, and what it was asked and has not answered is stopped. What it said stays.

    Raises:
        Gone: it was dismissed before.
    """
    if not AiJudge.objects.filter(pk=judge.pk, ended_at__isnull=True).update(ended_at=timezone.now()):
        raise Gone("This judge was dismissed already.")
    waiting = AiVerdict.objects.filter(judgement__judge=judge, said="").exclude(request__state__in=SampleRequest.ENDED)
    for request in waiting.values_list("request_id", flat=True):
        sampling.cancel(request_id=request)
    record(actor=by, action="ai_judge.dismissed", obj=judge)
