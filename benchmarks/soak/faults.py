"""What is broken, one thing every few seconds, and when each outage was over."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice
from pathlib import Path

from benchmarks.soak.site import ROOT, Site

STOPPED, FILLED, BEHIND = 15.0, 20.0, 20.0  # seconds
FAKETIME = Path("/usr/lib")  # Debian's libfaketime is under it; elsewhere, FAKETIME_LIBRARY names it
EVERYTHING = ("web server", "default worker", "beat", "sampler", "PostgreSQL", "Valkey")


@dataclass(frozen=True)
class Outage:
    """From a second before something was broken until a second after all was well again."""

    name: str
    began: float
    ended: float

    def distance(self, began: float, ended: float) -> float:
        return max(0.0, self.began - ended, began - self.ended)


class Faults:
    """Each fault is a method that breaks something and returns when it has stopped doing so."""

    def __init__(self, site: Site, *, count: int, every: float, seed: int, say: Callable[[str], None]) -> None:
        self.site, self.count, self.every, self.seed, self.say = site, count, every, seed, say
        self.outages: list[Outage] = []
        self.killed: tuple[str, int] | None = None
        self.not_run: set[str] = set()
        self.ended: list[str] = []

    def plan(self) -> Sequence[tuple[str, Callable[[], bool]]]:
        kinds: list[tuple[str, Callable[[], bool]]] = []
        for name in EVERYTHING:
            kinds.append((f"kill -9 of the {name}", partial(self.kill, name)))
        for name in ("web server", "default worker", "sampler", "PostgreSQL"):
            kinds.append((f"the {name} stopped for {STOPPED:.0f} s", partial(self.stop, name)))
        kinds += [("FLUSHALL", self.flush), ("disk full", self.fill), ("a worker an hour behind", self.behind)]
        random.Random(self.seed).shuffle(kinds)
        return list(islice(cycle(kinds), self.count))

    def run(self, until: float) -> None:
        """One fault after the other, until all are done or the time is over.

        Each has its time: one that took long to mend leaves less of a pause before the next.
        """
        start = time.monotonic()
        for number, (name, fault) in enumerate(self.plan()):
            time.sleep(max(0.0, min(start + number * self.every, until) - time.monotonic()))
            began = time.monotonic()
            if began > until:
                self.say(f"no time was left for: {name}")
                self.not_run.add(name)
                continue
            if not fault():
                self.not_run.add(name)
                continue
            lasted = self.recover()
            self.outages.append(Outage(name, began - 1.0, time.monotonic() + 1.0))
            self.ended.append(name)
            self.say(f"{name}: all well again after {lasted:.1f} s")

    def recover(self, patience: float = 120.0) -> float:
        """Until all is well. What was killed must be there again: others may notice only after a moment that it is
        gone, and say until then that all is well."""
        began = time.monotonic()
        while self._is_gone() or not self.site.ready():
            if time.monotonic() - began > patience:
                self.say(f"not ready after {patience:.0f} s")
                break
            time.sleep(0.3)
        self.killed = None
        return time.monotonic() - began

    def _is_gone(self) -> bool:
        if self.killed is None:
            return False
        name, pid = self.killed
        return self.site.children().get(name, pid) == pid

    def kill(self, name: str) -> bool:
        pid = self.site.children().get(name)
        if pid is None:
            return False
        os.kill(pid, signal.SIGKILL)
        self.killed = (name, pid)
        return True

    def stop(self, name: str) -> bool:
        pid = self.site.children().get(name)
        if pid is None:
            return False
        os.kill(pid, signal.SIGSTOP)
        time.sleep(STOPPED)
        with contextlib.suppress(ProcessLookupError):  # it was taken for hung, and replaced
            os.kill(pid, signal.SIGCONT)
        return True

    def flush(self) -> bool:
        import redis
        from django.conf import settings

        with redis.Redis.from_url(settings.REDIS_URL) as client:
            client.flushall()
        return True

    def fill(self) -> bool:
        """Only ever our own file system."""
        if not self.site.mounted:
            return False
        filler = self.site.var / "filler"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(b"\0" * (1 << 20))
        time.sleep(FILLED)
        filler.unlink(missing_ok=True)
        return True

    def behind(self) -> bool:
        """One more default worker whose clock is an hour behind."""
        named = [os.environ.get("FAKETIME_LIBRARY", ""), *map(str, FAKETIME.glob("*/faketime/libfaketimeMT.so.1"))]
        library = next((path for path in named if path), "")
        if not library:
            return False
        worker = subprocess.Popen(
            [*[sys.executable, "-m", "celery", "-A", "config", "worker", "-Q", "default"],
             *["-c", "2", "--without-gossip", "--without-mingle", "-n", "behind@%h"]],
            cwd=ROOT, env={**os.environ, "LD_PRELOAD": library, "FAKETIME": "-1h", "FAKETIME_DONT_FAKE_MONOTONIC": "1"},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        time.sleep(BEHIND)
        worker.send_signal(signal.SIGTERM)
        try:
            worker.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()
        return True
