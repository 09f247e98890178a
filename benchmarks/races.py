"""The whole table of pairs of writes (tests/races), each pair many times, in parts that fit the time there is.

    python -m benchmarks.races --times 100 --minutes 18 --record races.jsonl

Runs in databases of its own, one for each process; every process keeps its two threads and their connections. A pair
that is done is a line of the record, so the same command goes on where the last one ended; it says how many are left,
and ends with 1 when any pair ended as neither of its two orders does.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import TypedDict

from benchmarks import services

UNSYNCED = "&options=-csynchronous_commit%3Doff"  # the order of commits is what matters, not whether they last


class Done(TypedDict):
    """A line of the record."""

    pair: str
    times: int
    wrong: int
    seconds: float
    said: str


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--minutes", type=float, default=18.0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--record", type=Path, default=Path("races.jsonl"))
    parser.add_argument("--only", default="", help="pairs whose name holds this")
    parser.add_argument("--share", default="", help=argparse.SUPPRESS)  # N/M: of the processes that this one started
    given = parser.parse_args()
    until = time.time() + given.minutes * 60
    if given.share:
        number, of = map(int, given.share.split("/"))
        run(given.record, given.times, until, (number, of), given.only)
        return 0
    with services.servers():
        command = [sys.executable, "-m", "benchmarks.races", "--times", str(given.times), "--minutes"]
        command += [str(given.minutes), "--record", str(given.record), "--only", given.only]
        started = [
            subprocess.Popen([*command, "--share", f"{number}/{given.processes}"], cwd=services.ROOT)
            for number in range(given.processes)
        ]
        codes = [process.wait() for process in started]
    return max(report(given.record, given.times), *map(abs, codes))


def run(record: Path, times: int, until: float, share: tuple[int, int], only: str) -> None:
    """This process's share of what is not done yet."""
    with services.own_database(f"races_{os.getpid()}") as url, services.django_on(f"{url}{UNSYNCED}"):
        from django.conf import settings
        from django.db import connection

        from tests.races.pairs import Pair, two_threads
        from tests.races.snapshot import Snapshot

        logging.disable(logging.WARNING)  # a line for every comparison that opens
        nothing = Snapshot("nothing")
        nothing.take()
        settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
        known = {line["pair"] for line in lines(record) if line["times"] >= times}
        with two_threads() as threads:
            for at, (name, make) in enumerate(table()):
                if at % share[1] != share[0] or name in known or only not in name:
                    continue
                if time.time() > until:
                    return
                began = time.monotonic()
                connection.close()  # the server keeps the plans of dropped functions with it, 2.5 MB for each pair
                nothing.put_back()
                pair = make(f"-{at}")
                assert isinstance(pair, Pair)
                allowed = pair.in_turn()
                seen = pair.meet(threads, times)
                wrong = {outcome: count for outcome, count in seen.items() if outcome not in allowed}
                seconds = round(time.monotonic() - began, 1)
                said = f"{wrong}; allowed: {allowed}" if wrong else ""
                line = Done(pair=name, times=times, wrong=sum(wrong.values()), seconds=seconds, said=said)
                with record.open("a") as file:
                    file.write(json.dumps(line) + "\n")


def table() -> list[tuple[str, Making]]:
    """Every pair by name, in an order that does not change and mixes the situations: a part of it has seen of each."""
    from tests.races.rooms import ROOMS

    found = [
        (f"{situation.name}: {first} + {second}", Making(situation, first, second))
        for room in ROOMS
        for situation in room.SITUATIONS
        for first, second in situation.pairs()
    ]
    random.Random(1).shuffle(found)
    return found


class Making:
    """Makes a pair with a cast of its own."""

    def __init__(self, situation: object, first: str, second: str) -> None:
        self.situation, self.first, self.second = situation, first, second

    def __call__(self, label: str) -> object:
        from tests.races.cast import Cast
        from tests.races.pairs import Pair, Situation

        assert isinstance(self.situation, Situation)
        return Pair(self.situation, self.first, self.second, Cast.make(label))


def lines(record: Path) -> list[Done]:
    with contextlib.suppress(FileNotFoundError):
        return [json.loads(line) for line in record.read_text().splitlines()]
    return []


def report(record: Path, times: int) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    names = [name for name, _ in table()]
    done = {line["pair"]: line for line in lines(record) if line["times"] >= times}
    wrong = [line for name, line in done.items() if name in names and line["wrong"]]
    for line in wrong:
        print(f"WRONG: {line['pair']}: {line['wrong']} of {line['times']}: {line['said']}", file=sys.stderr)
    left = [name for name in names if name not in done]
    slowest = max((line["seconds"] for line in done.values()), default=0.0)
    print(f"{len(done)} of {len(names)} pairs x {times}: {len(wrong)} wrong, {len(left)} left; slowest {slowest} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
