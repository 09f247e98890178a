"""The sampler as it is served, for `benchmarks/sampler.py`: `manage.py sampler` in a process, rows in, texts out.

Imported once Django is set up.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TypedDict, Unpack

from django.conf import settings
from django.db.models import Max, Min, Sum

from benchmarks.bare import QUESTIONS, TOKENS, K
from sampler import registry, sampling, status, streams
from sampler.models import Completion, ModelVersion, SampleRequest
from sampler.status import WorkerStatus

ROOT = Path(__file__).resolve().parent.parent
SLUG = "benchmark"


class Asked(TypedDict, total=False):
    """Of a request; `sampling.request_completions` has the rest."""

    n: int
    params: Mapping[str, object]
    purpose: str
    priority: int


class SamplerProcess:
    """`manage.py sampler` on a model version of its own."""

    def __init__(self) -> None:
        self.version = ModelVersion.objects.get(slug=SLUG)

    def ask(self, prompt: str, **fields: Unpack[Asked]) -> SampleRequest:
        messages = [{"role": "system", "content": ""}, {"role": "user", "content": prompt}]
        return sampling.request_completions(model_version=self.version, prompt=messages, **fields)

    def wait_all(self) -> None:
        while SampleRequest.objects.filter(finished_at__isnull=True).exists():
            time.sleep(0.05)

    def throughput(self, prompts: list[str], seed: int) -> float:
        requests = [self.ask(p, n=K, params={"max_tokens": TOKENS, "seed": 1000 * seed}) for p in prompts]
        self.wait_all()
        rows = SampleRequest.objects.filter(pk__in=[r.pk for r in requests])
        if broken := rows.exclude(state="done").first():
            raise SystemExit(f"a request ended as {broken.state}: {broken.error}")
        span = rows.aggregate(a=Min("created_at"), b=Max("finished_at"))
        tokens = Completion.objects.filter(request__in=rows).aggregate(t=Sum("completion_tokens"))["t"]
        return float(tokens / (span["b"] - span["a"]).total_seconds())

    def first_token(self) -> float:
        """From asking until the first live token is here; then the trainer stops it."""
        began = time.perf_counter()
        request = self.ask("Say hello.", priority=0, purpose="reply", params={"max_tokens": 32})
        while not streams.client().xread({streams.key(request.pk): "0"}, block=2000, count=1):
            pass
        waited = time.perf_counter() - began
        sampling.cancel(request_id=request.pk)
        streams.wait(request.pk)
        return waited

    def first_tokens(self, times: int) -> dict[str, float]:
        say("time to first token, idle")
        idle = [self.first_token() for _ in range(times)]
        say("time to first token, 1,000 background requests waiting")
        self.fill_queue(1000)
        time.sleep(5)
        before = self.steps()
        busy = [self.first_token() for _ in range(times)]
        time.sleep(2.5)
        after = self.steps()
        self.empty_queue(at_least=500)
        step = (after[1] - before[1]) / max(1.0, after[0] - before[0])
        return {
            "ttft_idle_s": statistics.median(idle),
            "ttft_busy_s": statistics.median(busy),
            "step_s": step,
        }

    def fill_queue(self, count: int) -> None:
        first = self.ask(QUESTIONS[0], n=K, params={"max_tokens": TOKENS})
        SampleRequest.objects.bulk_create(
            SampleRequest(
                model_version=self.version, prompt=[{"role": "user", "content": QUESTIONS[number % 8]}], n=K,
                params=first.params,
            )
            for number in range(1, count)
        )  # fmt: skip

    def empty_queue(self, *, at_least: int) -> None:
        waiting = SampleRequest.objects.filter(state="queued").count()
        if waiting < at_least:
            raise SystemExit(f"only {waiting} background requests were still waiting: the figure would mean nothing")
        for pk in list(SampleRequest.objects.filter(finished_at__isnull=True).values_list("pk", flat=True)):
            sampling.cancel(request_id=pk)
        self.wait_all()

    def steps(self) -> tuple[float, float]:
        """Steps so far and the seconds they took, as the worker reports them with its heartbeat."""
        metrics = self.status()["metrics"]
        count, total = (metrics[f"duologue_sampler_step_seconds_{part}"][0][1] for part in ("count", "sum"))
        return count, total

    def status(self) -> WorkerStatus:
        return next(w for w in status.workers() if SLUG in w["serves"])

    def how(self) -> str:
        self.version.refresh_from_db()
        return f"{self.version.batching.get('way')}, {self.version.batching.get('why')}"


def k_cost(worker: SamplerProcess) -> float:
    """Time of K samples of one prompt as a share of K different prompts', one token each: what reading costs."""
    text = " ".join(f"{q} Take your time and be thorough." for q in QUESTIONS)

    def took(requests: list[SampleRequest]) -> float:
        worker.wait_all()
        rows = SampleRequest.objects.filter(pk__in=[r.pk for r in requests])
        return sum(seconds(r.started_at, r.finished_at) for r in rows)

    shared: list[float] = []
    separate: list[float] = []
    for number in range(4):
        one = [worker.ask(f"{number}. {text}", n=K, params={"max_tokens": 1})]
        shared.append(took(one))
        several = [worker.ask(f"{number}.{i}. {text}", n=1, params={"max_tokens": 1}) for i in range(K)]
        worker.wait_all()
        rows = SampleRequest.objects.filter(pk__in=[r.pk for r in several])
        span = rows.aggregate(a=Min("started_at"), b=Max("finished_at"))
        separate.append(seconds(span["a"], span["b"]))
    return statistics.median(shared) / statistics.median(separate)


def seconds(begun: datetime | None, ended: datetime | None) -> float:
    assert begun is not None
    assert ended is not None
    return (ended - begun).total_seconds()


@contextlib.contextmanager
def sampler_process(folder: str, database_url: str) -> Iterator[SamplerProcess]:
    registry.register_model(slug=SLUG, engine="hf", location=folder)
    log = ROOT / "var" / "log" / "benchmark-sampler.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "DATABASE_URL": database_url, "REDIS_URL": settings.REDIS_URL}
    with log.open("w") as out:
        child = subprocess.Popen(
            [sys.executable, "manage.py", "sampler", "--model", SLUG], env=environment, stdout=out, stderr=out
        )
        try:
            process = SamplerProcess()
            say("starting the worker; it measures how to batch this model")
            process.ask("Warm up.", n=2, params={"max_tokens": 4})
            while child.poll() is None and process.version.state != "serving":
                time.sleep(0.2)
                process.version.refresh_from_db()
                if process.version.state == "failed":
                    raise SystemExit(process.version.state_reason)
            if child.poll() is not None:
                raise SystemExit(f"the worker ended; see {log}")
            process.wait_all()
            yield process
        finally:
            child.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(30)
            child.kill()


def say(text: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)
