"""The thread of a worker that claims requests for its engines, and stops those that somebody stopped."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from django.db import connection
from django.utils import timezone

from sampler import claims, results
from sampler.engines.base import Job
from sampler.held import Held, WorkerState
from sampler.loaded_models import LoadedModel, waiting_for
from sampler.models import ModelVersion, SampleRequest
from sampler.output import LOST_CONNECTION
from sampler.params import SEEDS, SamplingParams
from sampler.screened import last_message

logger = logging.getLogger(__name__)
POLL = 0.5  # seconds after which the feeder looks without having been rung for
REREAD = 5.0  # seconds after which the list of model versions is read again


class Feeder:
    def __init__(self, state: WorkerState) -> None:
        self.state = state
        self.on_version: Callable[[str], None] = lambda slug: None  # told of each version that comes into view
        self._versions: list[ModelVersion] = []
        self._read_at = 0.0
        self._seen: set[str] = set()

    def run(self) -> None:
        state = self.state
        while not state.stopped.is_set():
            state.may_claim.wait(POLL)
            state.may_claim.clear()
            try:
                self._look_for_stops()
                if not state.stopping.is_set():
                    self._feed()
            except LOST_CONNECTION as error:
                logger.warning("feeder: PostgreSQL: %s", str(error).strip().splitlines()[0])
                connection.close()
                state.stopped.wait(POLL)
        connection.close()

    def _feed(self) -> None:
        if time.monotonic() - self._read_at > REREAD or not self._versions:
            self._read_versions()
        models = self.state.models
        loaded = {model.version_id for model in models.all()}
        for version in self._versions:
            model = models.get(version.pk)
            if model is not None:
                self._claim_for(model)
            elif version.pk not in loaded and self._wanted(version, alone=not loaded):
                models.want(version)

    def _read_versions(self) -> None:
        slugs = self.state.slugs
        rows = ModelVersion.objects.filter(role=ModelVersion.Role.POLICY).exclude(state=ModelVersion.State.RETIRED)
        self._versions = list(rows.filter(slug__in=slugs) if slugs else rows)
        self._read_at = time.monotonic()
        for version in self._versions:
            if version.slug not in self._seen:
                self._seen.add(version.slug)
                self.on_version(version.slug)

    def _wanted(self, version: ModelVersion, *, alone: bool) -> bool:
        """Load it now? A worker started for named versions warms them up: whoever comes first does not wait for it."""
        waited_for = waiting_for(version.pk)
        if reason := self.state.models.refused_lately(version.pk):
            if waited_for:  # whoever asks is told at once
                results.fail_waiting(model_version_id=version.pk, reason=reason)
            return False
        if version.state == ModelVersion.State.FAILED:
            return waited_for
        named = version.slug in self.state.slugs
        return waited_for or (named and (alone or self.state.models.has_room_for(version)))

    def _claim_for(self, model: LoadedModel) -> None:
        if self.state.held.one_runs_alone(model):
            return
        for interactive in (True, False):
            room = model.engine.room()
            free = room.interactive if interactive else room.background
            rows = claims.claim(
                worker=self.state.name, model_version_ids=[model.version_id], room=free, interactive=interactive,
                empty=room.running == 0,
            )  # fmt: skip
            for row in rows:
                self._start(row, model)
            if rows:
                model.used_at = time.monotonic()
                self.state.may_decode.set()
            if any(row.alone for row in rows):
                return

    def _start(self, row: SampleRequest, model: LoadedModel) -> None:
        live = row.priority < SampleRequest.Priority.BACKGROUND
        try:
            params = SamplingParams.from_dict({**row.params, "n": row.n})
        except ValueError as error:
            refuse = partial(results.fail, request_id=row.pk, attempt=row.attempts, reason=str(error), retry=False)
            self.state.writer.put(refuse)
            return
        if params.seed is None:  # so that every text can be drawn again
            params = replace(params, seed=row.pk.int % SEEDS)
        job = Job(uuid.uuid4(), row.prompt, params, row.writes, live)
        held = Held(
            row.pk, row.attempts, model, live, row.alone, row.created_at, row.started_at or timezone.now(), params,
            screening=row.screening, message=last_message(row.prompt),
        )  # fmt: skip
        self.state.held.add(job.id, held)
        model.engine.add(job)

    def _look_for_stops(self) -> None:
        by_request = {held.request_id: (job_id, held) for job_id, held in self.state.held.all().items()}
        if by_request:
            for request_id in claims.to_cancel(request_ids=by_request.keys()):
                job_id, held = by_request[request_id]
                held.model.engine.cancel(job_id)
