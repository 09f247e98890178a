"""How a pair of writes is run: one after the other in both orders, then many times at once, and compared.

What may be written in which situation is in `rankings.py`, `dialogues.py`, `requests.py`, `projects.py` and `runs.py`;
the tests are in `test_pairs.py`.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations_with_replacement
from typing import Generic, TypeVar

from django.db import connections
from django.utils import timezone

from common import held
from labeling.errors import Gone, LabelingError
from tests.races.cast import Cast
from tests.races.snapshot import Snapshot
from tests.races.standing import Standing, standing

Work = TypeVar("Work")
T = TypeVar("T")
Write = Callable[[Work], object]
Outcome = tuple[str, str, Standing]  # of the first write, of the second, and what stands afterwards
ERROR = "error: "
LATEST = 0.004  # seconds by which one of the two may begin later: the locks are held for about as long
FRESH = 10.0  # seconds for which a beginning is put back, before leases and the time for second thoughts age: then anew


@dataclass(frozen=True)
class Situation(Generic[Work]):
    """A piece of work as it stands before the two writes, and what may be written to it."""

    name: str
    make: Callable[[Cast], Work]
    writes: Mapping[str, Write[Work]]
    facts: Callable[[Work], Standing] | None = None  # what stands; else every fact on rankings and dialogues
    around: Callable[[], AbstractContextManager[object]] = nullcontext  # what all of it runs in

    def pairs(self) -> list[tuple[str, str]]:
        return list(combinations_with_replacement(self.writes, 2))


class Pair(Generic[Work]):
    """Two writes of a situation; the second runs on another connection than the first."""

    def __init__(self, situation: Situation[Work], first: str, second: str, cast: Cast | None = None) -> None:
        self.situation = situation
        self.first, self.second = situation.writes[first], situation.writes[second]
        self.cast = cast or Cast.make()
        self.random = random.Random(f"{situation.name} {first} {second}")
        self.before, self.beginning = Snapshot("before"), Snapshot("beginning")
        self.made: tuple[datetime, Work] | None = None

    def _make(self) -> tuple[datetime, Work]:
        """The situation as if nothing had been written to it."""
        held.forget()
        if self.made is None or timezone.now() - self.made[0] > timedelta(seconds=FRESH):
            if self.made is None:
                self.before.take()
            else:
                self.before.put_back()
            began = timezone.now()
            self.made = began, self.situation.make(self.cast)
            self.beginning.take()
        else:
            self.beginning.put_back()
        return deepcopy(self.made)

    def in_turn(self) -> set[Outcome]:
        """What the two orders, one after the other, end with."""
        with self.situation.around():
            found = {self._one_after_the_other(swap) for swap in (False, True)}
        broken = [answer for outcome in found for answer in outcome[:2] if answer.startswith(ERROR)]
        assert not broken, f"one after the other they are taken or refused: {broken}"
        return found

    def _one_after_the_other(self, swap: bool) -> Outcome:
        began, work = self._make()
        if swap:
            second, first = said(self.second, work), said(self.first, work)
        else:
            first, second = said(self.first, work), said(self.second, work)
        return first, second, self._stands(began, work)

    def _stands(self, began: datetime, work: Work) -> Standing:
        facts = self.situation.facts
        return standing(self.cast.project, began) if facts is None else facts(work)

    def at_once(self, times: int) -> Counter[Outcome]:
        """What `times` runs of both at the same moment end with."""
        try:
            with two_threads() as threads:
                return self.meet(threads, times)
        finally:
            self.before.drop()
            self.beginning.drop()

    def meet(self, threads: ThreadPoolExecutor, times: int) -> Counter[Outcome]:
        """`at_once` in two threads of the caller's, which keep their connections."""
        with self.situation.around():
            return self._meet(threads, times)

    def _meet(self, threads: ThreadPoolExecutor, times: int) -> Counter[Outcome]:
        seen: Counter[Outcome] = Counter()
        for _ in range(times):
            began, work = self._make()
            barrier = threading.Barrier(2, timeout=30)
            late = self.random.uniform(-LATEST, LATEST)
            both = [
                threads.submit(_meet, barrier, max(0.0, late), self.first, work),
                threads.submit(_meet, barrier, max(0.0, -late), self.second, work),
            ]
            first, second = (one.result(timeout=60) for one in both)
            seen[first, second, self._stands(began, work)] += 1
        return seen


@contextmanager
def two_threads() -> Iterator[ThreadPoolExecutor]:
    """Each with a connection of its own, closed at the end."""
    with ThreadPoolExecutor(2) as threads:
        try:
            yield threads
        finally:
            closing = threading.Barrier(2, timeout=30)
            for done in [threads.submit(_close, closing) for _ in range(2)]:
                done.result()


def taken(found: T | None) -> T:
    """What a write gave; where it found nothing to do, that is a refusal."""
    if not found:
        raise Gone("There was nothing to do.")
    return found


def said(write: Write[Work], work: Work) -> str:
    """Whether the write was taken: "done", or the kind of its refusal. Any other error is one, and named."""
    try:
        write(work)
    except LabelingError as refusal:
        return type(refusal).__name__
    except Exception as error:
        return f"{ERROR}{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    return "done"


def _meet(barrier: threading.Barrier, late: float, write: Write[Work], work: Work) -> str:
    barrier.wait()
    time.sleep(late)
    return said(write, work)


def _close(barrier: threading.Barrier) -> None:
    barrier.wait()  # so that each thread closes its own
    connections.close_all()
