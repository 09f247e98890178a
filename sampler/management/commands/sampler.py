"""`manage.py sampler [--model SLUG ...]`: a Celery worker on the queues of these model versions.

Celery's tasks are only doorbells: they wake the one long-lived worker of this process
(`sampler/worker.py`), which claims the rows. SIGTERM drains it; a second one ends it at once.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from argparse import ArgumentParser, Namespace
from functools import partial

from celery import signals
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from kombu.exceptions import OperationalError

from common.listed import listed
from config.celery import app
from sampler import doorbells
from sampler.models import ModelVersion
from sampler.worker import Worker


class Command(BaseCommand):
    help = "Serve model versions: a Celery worker on their queues, with one long-lived engine for each."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--model", action="append", default=[], metavar="SLUG", help="repeatable; default: all")
        parser.add_argument("--concurrency", type=int, default=1, metavar="N", help="worker processes on this machine")
        parser.add_argument("--metrics-port", type=int, default=int(os.environ.get("SAMPLER_METRICS_PORT") or 0))

    def handle(self, *args: object, **options: object) -> None:
        given = Namespace(**options)
        slugs = given.model or list(
            ModelVersion.objects.filter(role=ModelVersion.Role.POLICY).values_list("slug", flat=True)
        )
        there = ModelVersion.objects.order_by("slug").values_list("slug", flat=True)
        if missing := set(given.model) - set(there):
            raise CommandError(
                f"No model version is registered as {', '.join(sorted(missing))}: use register_model. "
                f"There are: {listed(there)}."
            )
        if given.concurrency > 1:
            several(given.concurrency, given.model)
        else:
            queues = [doorbells.queue_of(slug) for slug in slugs]
            serve(slugs=given.model, queues=queues, metrics_port=given.metrics_port)


def several(count: int, slugs: list[str]) -> None:
    """A process for each worker; with several GPUs each takes one. What ends us ends them, and the other way round."""
    command = [sys.executable, sys.argv[0], "sampler", *(part for slug in slugs for part in ("--model", slug))]
    children = [
        subprocess.Popen(command, env={**os.environ, "SAMPLER_DEVICE_INDEX": str(index)}) for index in range(count)
    ]

    def stop(*args: object) -> None:
        for child in children:
            child.terminate()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    while all(child.poll() is None for child in children):
        time.sleep(0.5)
    stop()
    for child in children:
        child.wait()
    if any(child.returncode for child in children):
        raise CommandError("A sampler worker ended with an error.")


def serve(*, slugs: list[str], queues: list[str], metrics_port: int = 0) -> None:
    """Run until told to stop."""
    if metrics_port:
        from prometheus_client import start_http_server

        start_http_server(metrics_port, addr="127.0.0.1")
    worker = Worker(slugs=slugs)
    name = f"sampler-{os.getpid()}@{socket.gethostname()}"
    queues = queues or ["sampler"]
    worker.feeder.on_version = partial(listen, queues, name)
    follow_celery(worker)
    app.worker_main(
        [
            "worker", "--pool", "solo", "--queues", ",".join(queues), "--without-gossip",
            "--without-mingle", "--hostname", name,
            "--loglevel", logging.getLevelName(logging.getLogger().level),
        ]
    )  # fmt: skip


def listen(queues: list[str], name: str, slug: str) -> None:
    """A version that was registered after this worker started has a queue too."""
    queue = doorbells.queue_of(slug)
    if queue not in queues:
        queues.append(queue)
        try:
            app.control.add_consumer(queue, destination=[name])
        except (OperationalError, OSError):
            pass  # without its bell it is looked for twice a second


def follow_celery(worker: Worker) -> None:
    """Our worker begins, drains and ends with Celery's."""
    thread = threading.Thread(target=worker.run, name="decode")

    def begin(**kwargs: object) -> None:
        doorbells.listeners.append(worker.ring)
        thread.start()

    def drain(**kwargs: object) -> None:
        worker.stop()

    def end(**kwargs: object) -> None:
        worker.stop()
        if thread.ident:
            thread.join(settings.SAMPLER_GRACE_SECONDS + 20)
        if worker.models.still_loading:  # everything is written, and weights half read cannot be put down nicely
            os._exit(0)

    signals.worker_ready.connect(begin, weak=False)
    signals.worker_shutting_down.connect(drain, weak=False)
    signals.worker_shutdown.connect(end, weak=False)
