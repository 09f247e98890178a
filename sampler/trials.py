"""Trials of models that are not registered yet: asked for by an operator, claimed and ended by a worker.

How a worker tries one is `sampler/trying.py`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TypedDict

from django.db.models import QuerySet
from django.utils import timezone

from common import redis_client
from common.transitions import advance
from sampler import registry, status, tasks
from sampler.models import ModelTrial, ModelVersion

State = ModelTrial.State
TABLE = ModelTrial.TRANSITIONS
KEPT = dt.timedelta(days=7)
LOST = dt.timedelta(minutes=10)  # longer than any trial takes
SILENT = dt.timedelta(seconds=30)  # a worker that lives has said so meanwhile (`status.EXPIRES`)


class Outcome(TypedDict, total=False):
    """What came of a trial, as its row holds it."""

    trouble: str
    said: str
    offered: list[str]
    speaks: str
    remote_name: str
    text: str
    load_seconds: float
    answer_seconds: float


class Wanted(TypedDict, total=False):
    """A model as it is asked for."""

    slug: str
    engine: str
    location: str
    remote_name: str
    api_key_env: str
    system_prompt: str
    context_limit: int | None
    params: Mapping[str, object]


def request(*, wanted: Wanted) -> ModelTrial:
    """Let a worker try it: each looks once a second.

    Raises:
        ValueError: it could not be registered as it stands, as a sentence.
    """
    registry.check(
        engine=wanted["engine"], location=wanted["location"], default_params=wanted.get("params") or {},
        system_prompt=wanted.get("system_prompt", ""),
    )  # fmt: skip
    ModelTrial.objects.filter(created_at__lt=timezone.now() - KEPT).delete()
    return ModelTrial.objects.create(**wanted)


def claim(*, worker: str) -> ModelTrial | None:
    """The trial that has waited longest, for this worker. Those whose worker was lost are ended."""
    now = timezone.now()
    running = ModelTrial.objects.filter(state=State.RUNNING)
    _lose(running.filter(started_at__lt=now - LOST))
    if living := [one["name"] for one in status.workers()]:  # none where Redis does not answer
        _lose(running.filter(started_at__lt=now - SILENT).exclude(worker__in=[*living, worker]))
    for trial in ModelTrial.objects.filter(state=State.WAITING).order_by("created_at")[:3]:
        if advance(trial, to=State.RUNNING, table=TABLE, worker=worker, started_at=now):
            return trial
    return None


def leave(*, worker: str) -> None:
    """A worker ends: what it was trying is lost."""
    _lose(ModelTrial.objects.filter(state=State.RUNNING, worker=worker))


def _lose(trials: QuerySet[ModelTrial]) -> None:
    advance(trials, to=State.FAILED, table=TABLE, trouble=ModelTrial.Trouble.LOST, finished_at=timezone.now())


def end(*, trial: ModelTrial, outcome: Outcome) -> bool:
    """Store what came of it, where the worker that tried it still has it."""
    mine = ModelTrial.objects.filter(pk=trial.pk, worker=trial.worker)
    state = State.FAILED if outcome.get("trouble") else State.WORKED
    return bool(advance(mine, to=state, table=TABLE, finished_at=timezone.now(), **outcome))


def register(*, trial: ModelTrial) -> tuple[ModelVersion, bool]:
    """Register what was tried, as it was tried; its server is asked later what else it can do.

    Raises:
        ValueError: the slug stands for another checkpoint meanwhile.
    """
    version, created = registry.register_model(
        slug=trial.slug, ask=False, engine=trial.engine, location=trial.location, remote_name=trial.remote_name,
        api_key_env=trial.api_key_env, system_prompt=trial.system_prompt, context_limit=trial.context_limit,
        default_params=trial.params,
    )  # fmt: skip
    if created and version.engine == "openai":
        redis_client.send_on_commit(tasks.ask_server.delay, version.slug)
    return version, created
