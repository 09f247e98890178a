"""What the languages cost a page: the trainer's pages in the default language, with and without them.

    python -m benchmarks.languages

Two servers on one database: as it is served, and with `benchmarks/one_language.py`. They take turns request by
request, so that a slow moment of the machine belongs to both.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import statistics
import sys
from typing import TYPE_CHECKING

import psycopg2.extensions
import psycopg2.extras

from benchmarks import services
from benchmarks.browsing import Trainer

if TYPE_CHECKING:
    from benchmarks.filling import Made

MOST = 1.05  # how many times the median without languages a page may take


def pages_of(trainer: Trainer, made: Made) -> dict[str, str]:
    return {
        "ranking": trainer.path, "compare two": f"{trainer.path}compare/?a=A&b=B", "home": "/", "history": "/history/",
        "demonstration": made["demonstration"], "chat": made["chat"],
        "guidelines": f"/projects/{made['slug']}/guidelines/", "practice": f"/projects/{made['slug']}/practice/",
    }  # fmt: skip


def medians(ways: list[Trainer], path: str, times: int) -> list[float]:
    """Milliseconds in the server, of each way."""
    for way in ways * 5:  # warm
        way.get(path)
    taken: dict[Trainer, list[float]] = {way: [] for way in ways}
    order = list(ways)
    for _ in range(times):
        order.reverse()
        for way in order:
            taken[way].append(way.get(path)[0])
    return [statistics.median(taken[way]) for way in ways]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--times", type=int, default=100, help="requests for each page and way")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was begun is cleared away
    psycopg2.extensions.set_wait_callback(psycopg2.extras.wait_select)  # also while a statement runs
    with services.servers(), services.own_database("bench_languages") as url, services.django_on(url):
        from benchmarks import filling

        made = filling.prepare(2_000)
        with contextlib.ExitStack() as stack:
            ways = []
            for settings in ("config.settings", "benchmarks.one_language"):
                address = stack.enter_context(services.web_server(url, DJANGO_SETTINGS_MODULE=settings))
                ways.append(stack.enter_context(contextlib.closing(Trainer(address, made["session"]))))
            ways[0].begin(made["slug"])
            pages = pages_of(ways[0], made)
            sums = [0.0, 0.0]
            for name, path in pages.items():
                found = medians(ways, path, options.times)
                sums = [one + more for one, more in zip(sums, found, strict=True)]
                with_them, without = found
                print(f"  {name:16} {with_them:6.2f} ms, without {without:6.2f} ms: {with_them / without:.3f}x")
            ratio = sums[0] / sums[1]
            print(f"all of them: {ratio:.3f}x" + (f", over {MOST}" if ratio > MOST else ""))


if __name__ == "__main__":
    main()
