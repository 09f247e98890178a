"""The thread of a worker that extends its leases and says that it lives."""

from __future__ import annotations

import logging
import os
import socket
import time

from django.conf import settings
from django.db import connection

from sampler import claims, metrics, status
from sampler.held import WorkerState
from sampler.loaded_models import LoadedModel
from sampler.output import LOST_CONNECTION
from sampler.status import LoadedStatus, WorkerStatus

logger = logging.getLogger(__name__)
EVERY = 2.0  # seconds, or less where leases are short


def run(state: WorkerState) -> None:
    every = min(EVERY, settings.SAMPLER_LEASE_SECONDS / 4)
    while True:
        try:
            extend_leases(state)
        except LOST_CONNECTION as error:
            logger.warning("heartbeat: PostgreSQL: %s", str(error).strip().splitlines()[0])
            connection.close()
        status.report(describe(state))
        if state.stopped.wait(every):
            break
    connection.close()


def extend_leases(state: WorkerState) -> None:
    held = state.held.all()
    if not held:
        return
    still = claims.heartbeat(worker=state.name, request_ids=[h.request_id for h in held.values()])
    lost = [h for job_id, h in held.items() if h.request_id not in still and state.held.get(job_id)]
    if lost:
        # They go on: what ends before another worker claims it is stored, and nothing else is.
        logger.warning("the leases of %d requests ran out", len(lost))


def describe(state: WorkerState) -> WorkerStatus:
    return {
        "name": state.name, "pid": os.getpid(), "host": socket.gethostname(), "at": time.time(),
        "serves": list(state.slugs), "loading": state.models.loading, "stopping": state.stopping.is_set(),
        "loaded": {model.slug: _describe(model) for model in state.models.all()},
        "held": len(state.held),
        "metrics": metrics.summary(),
    }  # fmt: skip


def _describe(model: LoadedModel) -> LoadedStatus:
    engine = model.engine
    return {
        **engine.batching(), "device": model.provenance["device"], "running": engine.room().running,
        "memory_bytes": engine.memory_bytes,
    }  # fmt: skip
