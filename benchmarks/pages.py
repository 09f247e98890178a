"""How long the pages take in a large project, and whether open streams slow the next task.

    python -m benchmarks.pages --comparisons 100000 --streams 200

Runs on the servers of `benchmarks/services.py`, in a database of its own that is dropped at the end, with a uvicorn
that ends with this process however it ends. Measures every page of trainers, reviewers and managers over HTTP, the time
inside the server (Server-Timing, benchmarks/timed.py) beside the time the client waited; then submit-and-next again
beside N idle server-sent-event streams. Ratios are taken in one run, so that a busy machine slows both sides alike.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

import psycopg2.extensions
import psycopg2.extras

from benchmarks import services
from benchmarks.browsing import Trainer, open_streams

if TYPE_CHECKING:
    from benchmarks.filling import Made

# Milliseconds in the server, the median of a page: the bounds on a quiet machine.
BOUNDS = {"submit and next": 15.0, "home": 12.0, "history": 12.0}
BOUND = 10.0  # of every other page of a trainer's
MANAGED = 60.0  # of a reviewer's and a manager's
ALLOWED = 40.0  # what the test of the slow tier allows a trainer's page on a machine that others use too
LEAST = 2_000  # comparisons: what the measurement ranks, and some more
SLOWER = 1.2  # how much of its p95 the next task may gain beside idle streams


def page_times(trainer: Trainer, made: Made, *, times: int = 40) -> dict[str, tuple[float, float]]:
    """Median milliseconds of each page, in the server and seen from the client."""
    trainer.begin(made["slug"])
    pages: dict[str, Callable[[], tuple[float, float]]] = {
        "submit and next": trainer.submit,
        "ranking": lambda: trainer.get(trainer.path),
        "compare two": lambda: trainer.get(f"{trainer.path}compare/?a=A&b=B"),
        "home": lambda: trainer.get("/"),
        "history": lambda: trainer.get("/history/"),
        "demonstration": lambda: trainer.get(made["demonstration"]),
        "chat": lambda: trainer.get(made["chat"]),
        "guidelines": lambda: trainer.get(f"/projects/{made['slug']}/guidelines/"),
        "practice": lambda: trainer.get(f"/projects/{made['slug']}/practice/"),
    }
    return _medians(pages, times)


def managed_times(manager: Trainer, made: Made, *, times: int = 40) -> dict[str, tuple[float, float]]:
    """The same of a reviewer's and a manager's pages."""
    return _medians({name: partial(manager.get, path) for name, path in made["managed"].items()}, times)


def _medians(pages: Mapping[str, Callable[[], tuple[float, float]]], times: int) -> dict[str, tuple[float, float]]:
    medians = {}
    for name, ask in pages.items():
        for _ in range(5):  # warm
            ask()
        server, client = zip(*(ask() for _ in range(times)), strict=True)
        medians[name] = (statistics.median(server), statistics.median(client))
    return medians


def p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]


def next_task_beside_streams(
    trainer: Trainer, made: Made, *, streams: int, times: int = 100, passes: int = 4
) -> tuple[float, float]:
    """p95 of submit-and-next, seen from the client, without and with `streams` idle streams open.

    The two take turns, and each side's rounds are judged together, so that a slow moment of the machine
    belongs to both.
    """
    trainer.begin(made["slug"])
    quiet: list[float] = []
    busy: list[float] = []
    for _ in range(5):
        trainer.submit()
    for _ in range(passes):
        quiet += [trainer.submit()[1] for _ in range(times)]
        with open_streams(trainer, made["stream"], streams):
            busy += [trainer.submit()[1] for _ in range(times)]
    return p95(quiet), p95(busy)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--comparisons", type=int, default=100_000)
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--times", type=int, default=40, help="requests for each page")
    options = parser.parse_args()
    if options.comparisons < LEAST:
        parser.error(f"--comparisons takes at least {LEAST:,}: every task that is measured uses one up.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was begun is cleared away
    psycopg2.extensions.set_wait_callback(psycopg2.extras.wait_select)  # also while a statement runs
    began = time.monotonic()

    def say(words: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {words}", flush=True)

    say("making a database")
    with services.servers(), services.own_database("bench_pages") as url, services.django_on(url):
        from benchmarks import filling

        say(f"filling it with {options.comparisons:,} comparisons")
        made = filling.prepare(options.comparisons)
        say("starting the server")
        with services.web_server(url) as address:
            with contextlib.closing(Trainer(address, made["manager"])) as manager:
                kept = tell(managed_times(manager, made, times=options.times), say, bound=MANAGED)
            with contextlib.closing(Trainer(address, made["session"])) as trainer:
                within = measure(trainer, made, options.times, options.streams, say) and kept
    say("done" if within else "over the bounds")


def measure(trainer: Trainer, made: Made, times: int, streams: int, say: Callable[[str], None]) -> bool:
    """Whether every page, and the next task beside the streams, keeps its bound."""
    say(f"{times} requests for each page: median in the server, and as the client saw it")
    kept = tell(page_times(trainer, made, times=times), say)
    say(f"the next task with and without {streams} idle streams")
    quiet, busy = next_task_beside_streams(trainer, made, streams=streams)
    say(f"  submit and next  p95 {quiet:.1f} ms; beside the streams {busy:.1f} ms: {busy / quiet:.2f}x")
    if busy > SLOWER * quiet:
        say("over the bound: streams")
    return kept and busy <= SLOWER * quiet


def tell(medians: Mapping[str, tuple[float, float]], say: Callable[[str], None], *, bound: float = BOUND) -> bool:
    """Whether every page keeps its bound."""
    over = []
    for page, (server, client) in medians.items():
        most = BOUNDS.get(page, bound)
        say(f"  {page:22} {server:7.1f} ms {client:7.1f} ms; bound {most:3.0f}")
        if server >= most:
            over.append(page)
    if over:
        say(f"over their bounds: {', '.join(over)}")
    return not over


if __name__ == "__main__":
    main()
