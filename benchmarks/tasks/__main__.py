"""How many tasks a second the product gives and takes, beside the floor: the least that the same work can cost.

    python -m benchmarks.tasks                     # all sizes, overlap 1 and 3, the pages
    python -m benchmarks.tasks --quick             # within three minutes

C trainers work in a closed loop over HTTP: take a task, submit its ranking. The floor (`floor.py`) does so in two
transactions of a bare WSGI application; both run on the same PostgreSQL, with as many processes, in turn. The last line
is JSON. Runs on the servers of `benchmarks/services.py`, each size in a database of its own that is dropped at the end,
or kept (`--keep`).
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import django

from benchmarks import services
from benchmarks.tasks import floor, serving
from benchmarks.tasks.trainers import Api, Floor, Measured, Pages, Task, Way, work

SIZES = [2_000, 50_000, 200_000]
QUICK_SIZES = [2_000, 50_000]
LEAST_FLOOR = 450.0  # tasks a second at 8 trainers, the median of the runs: below it the machine was not at itself
PROMPT = "A question as long as those of the project, which is some four hundred tokens. " * 25
Serve = Callable[..., AbstractContextManager[tuple[str, int]]]


@dataclass
class Row:
    """One server, one size, one number of trainers."""

    way: str
    trainers: int
    runs: list[Measured] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)  # seconds of all processes in each run

    @property
    def rate(self) -> float:
        return statistics.median(run.rate for run in self.runs)

    @property
    def processor_ms(self) -> float:
        """Processor time of a task, in milliseconds."""
        return 1000 * sum(self.processor) / sum(len(run.submit) for run in self.runs)

    def p(self, share: float, what: str = "take") -> float:
        return statistics.median(run.p(share, what) for run in self.runs)

    def line(self) -> str:
        take = " ".join(f"{self.p(share):7.1f}" for share in (0.5, 0.95, 0.99))
        submit = " ".join(f"{self.p(share, 'submit'):7.1f}" for share in (0.5, 0.95, 0.99))
        return f"  {self.way:8} {self.trainers:3} {self.rate:8.1f} {take}  {submit} {self.processor_ms:7.1f}"


HEAD = "  way      C   tasks/s  take p50     p95     p99   submit p50  p95     p99  CPU ms/task"


@dataclass
class Size:
    """What was measured in one database."""

    count: int
    votes: int
    rows: list[Row]
    statements: list[int]
    duplicates: int
    lost: int

    def row(self, way: str, trainers: int) -> Row:
        return next(row for row in self.rows if (row.way, row.trainers) == (way, trainers))


def measure(count: int, votes: int, options: argparse.Namespace, url: str) -> Size:
    """Both servers in turn, as often as asked, with each number of trainers."""
    from benchmarks.tasks import filled

    say(f"filling: {count:,} comparisons that want {votes} votes")
    made = filled.prepare(count=count, votes=votes, trainers=max(options.trainers))
    floor.prepare(url)
    if options.only_fill:
        floor.fill(url, count=count, prompt=PROMPT, text=filled.TEXT)
        return Size(count, votes, [], [], 0, 0)
    slug = made.project.slug
    postgres = serving.postmaster(url)
    ledger: list[Task] = []
    ways: dict[str, tuple[Serve, Callable[[str, int], Way]]] = {
        "floor": (serving.floor, lambda address, number: Floor(address, f"trainer-{number}")),
        "product": (serving.product, lambda address, number: Api(address, made.tokens[number], slug)),
    }
    if options.pages:
        ways["pages"] = (
            serving.product,
            lambda address, number: Pages(address, made.sessions[number], made.project.slug),
        )
    rows = [Row(way, trainers) for way in ways for trainers in options.trainers]
    for _ in range(options.runs):
        for way, (serve, join) in ways.items():
            with serve(url, count=options.processes) as (address, pid):
                for row in (row for row in rows if row.way == way):
                    if way == "floor":
                        floor.fill(url, count=count, prompt=PROMPT, text=filled.TEXT)
                    else:
                        filled.refill(made, count=count)
                    before = serving.processor_seconds(pid, postgres)
                    joined = [join(address, number) for number in range(row.trainers)]
                    run = work(joined, seconds=options.seconds, at_most=count * votes // 2)
                    row.processor.append(serving.processor_seconds(pid, postgres) - before)
                    row.runs.append(run)
                    ledger += run.ledger if way != "floor" else []
                    say(f"{way:8} {row.trainers:3} trainers: {run.rate:.1f} tasks/s")
    checked = filled.check(ledger)
    return Size(count, votes, rows, filled.statements(made), checked.duplicates, checked.lost)


def report(sizes: list[Size], trainers: list[int]) -> dict[str, object]:
    """The tables, and what the last line says."""
    for size in sizes:
        take, submit = size.statements
        print(f"\n{size.count:,} comparisons, {size.votes} votes wanted; statements {take} + {submit}")
        print(HEAD)
        for row in size.rows:
            print(row.line())
        print(f"  duplicates {size.duplicates}, lost {size.lost}")
    first, last = sizes[0], max(sizes, key=lambda size: size.count)
    return {
        "over_floor": {
            c: round(min(s.row("product", c).rate / s.row("floor", c).rate for s in sizes), 3) for c in trainers
        },
        "floor_tasks_s": round(first.row("floor", trainers[-1]).rate, 1),
        "p95_over_floor": {
            c: round(max(s.row("product", c).p(0.95) / s.row("floor", c).p(0.95) for s in sizes), 2) for c in trainers
        },
        "p95_growth": {c: _growth(first, last, "product", c) for c in trainers},
        "floor_p95_growth": {c: _growth(first, last, "floor", c) for c in trainers},  # a slow phase slows both
        "take_p50_ms": {c: round(first.row("product", c).p(0.5), 1) for c in trainers},
        "processor_ms": {c: round(max(s.row("product", c).processor_ms for s in sizes), 1) for c in trainers},
        "duplicates": sum(size.duplicates for size in sizes),
        "lost": sum(size.lost for size in sizes),
        "sizes": [[size.count, size.votes] for size in sizes],
        "statements": first.statements,
    }


def _growth(first: Size, last: Size, way: str, trainers: int) -> float:
    """How much longer the slowest in twenty wait in the largest size than in the first."""
    return round(last.row(way, trainers).p(0.95) / first.row(way, trainers).p(0.95), 2)


def say(words: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {words}", file=sys.stderr, flush=True)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", help=f"open comparisons, {SIZES} where not given")
    parser.add_argument("--votes", type=int, nargs="+", default=[1, 3], help="votes that a comparison wants")
    parser.add_argument("--trainers", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--processes", type=int, default=2, help="web processes")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each measurement")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--pages", action="store_true", help="the same loop through the pages too")
    parser.add_argument("--keep", action="store_true", help="leave the databases, or take up those of a run before")
    parser.add_argument("--only-fill", action="store_true", help="make the databases and measure nothing; with --keep")
    parser.add_argument("--quick", action="store_true", help="two sizes, one run of five seconds")
    options = parser.parse_args()
    if options.quick:
        options.runs, options.seconds, options.votes = 1, 5.0, [1]
    options.sizes = options.sizes or (QUICK_SIZES if options.quick else SIZES)
    return options


def main() -> None:
    options = parsed()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was begun is cleared away
    sizes: list[Size] = []
    with services.servers():
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        django.setup()
        from benchmarks.own_database import own_database

        for votes in options.votes:
            for count in options.sizes:
                with own_database(f"{count}_{votes}" if options.keep else "") as url:
                    sizes.append(measure(count, votes, options, url))
    if options.only_fill:
        return
    found = report(sizes, options.trainers)
    floors = {size.count: size.row("floor", 8).rate for size in sizes if 8 in options.trainers}
    if floors and min(floors.values()) < LEAST_FLOOR:
        print(f"Void: the floor did fewer than {LEAST_FLOOR:.0f} tasks a second at 8 trainers: {floors}")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
