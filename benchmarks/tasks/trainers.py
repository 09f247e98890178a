"""Trainers who work in a closed loop: take a task, submit its ranking, take the next one, and note each wait."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
import time
from dataclasses import dataclass, field
from typing import Protocol, TypedDict
from urllib.parse import urlsplit

from benchmarks.browsing import Trainer as Browser

WARM_UP = 10  # tasks of each trainer that are not measured
Shown = dict[str, object]


class Task(TypedDict):
    """What the loop needs of a task: its id, its comparison, its completions in the order given."""

    id: str
    comparison: str
    completions: list[str]


class Way(Protocol):
    """How one trainer takes and submits tasks at one server."""

    def take(self) -> Task: ...

    def submit(self, task: Task) -> None: ...

    def close(self) -> None: ...


@dataclass
class Measured:
    """What the trainers saw, all of them together."""

    at_most: int = 0  # tasks; then all stop
    seconds: float = 0.0
    failed: bool = False
    take: list[float] = field(default_factory=list)  # seconds of each answer
    submit: list[float] = field(default_factory=list)
    ledger: list[Task] = field(default_factory=list)  # every task whose ranking was acknowledged, warm-up included

    @property
    def rate(self) -> float:
        """Tasks a second."""
        return len(self.submit) / self.seconds

    def p(self, share: float, what: str = "take") -> float:
        """The quantile of a wait, in milliseconds."""
        waits = sorted(getattr(self, what))
        return float(1000 * waits[min(len(waits) - 1, int(len(waits) * share))])


class Caller:
    """One lasting connection that sends and reads JSON."""

    def __init__(self, address: str, token: str = "") -> None:
        self._connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
        self._headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})

    def send(self, method: str, path: str, body: object) -> Shown:
        self._connection.request(method, path, json.dumps(body).encode(), self._headers)
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status not in (200, 201):
            raise SystemExit(f"{method} {path} was answered with {answer.status}: {text[:300]!r}")
        found: Shown = json.loads(text)
        return found

    def close(self) -> None:
        self._connection.close()


class Api:
    """The product over its API, with a bearer token."""

    def __init__(self, address: str, token: str, slug: str) -> None:
        self._caller = Caller(address, token)
        self._path = f"/api/v1/projects/{slug}/assignments/"

    def take(self) -> Task:
        return _task(self._caller.send("POST", self._path, {}))

    def submit(self, task: Task) -> None:
        order = {"groups": [[pk] for pk in task["completions"]], "seconds": 60}
        self._caller.send("PUT", f"/api/v1/assignments/{task['id']}/ranking/", order)

    def close(self) -> None:
        self._caller.close()


class Floor:
    """`benchmarks/tasks/floor.py`."""

    def __init__(self, address: str, name: str) -> None:
        self._caller, self._name = Caller(address), name

    def take(self) -> Task:
        return _task(self._caller.send("POST", "/next", {"trainer": self._name}))

    def submit(self, task: Task) -> None:
        self._caller.send("PUT", "/rank", {"id": int(task["id"]), "order": [int(pk) for pk in task["completions"]]})

    def close(self) -> None:
        self._caller.close()


class Pages:
    """The product through its pages: the answer to a submission holds the next task, so only that is timed."""

    def __init__(self, address: str, session: str, slug: str) -> None:
        self._browser = Browser(address, session)
        self._browser.begin(slug)

    def take(self) -> Task:
        return {"id": self._browser.path.strip("/").rpartition("/")[2], "comparison": "", "completions": []}

    def submit(self, task: Task) -> None:
        self._browser.submit()

    def close(self) -> None:
        self._browser.close()


def _task(answer: Shown) -> Task:
    comparison = answer["comparison"]
    assert isinstance(comparison, dict)
    completions = [str(completion["id"]) for completion in comparison["completions"]]
    return {"id": str(answer["id"]), "comparison": str(comparison["id"]), "completions": completions}


def work(ways: list[Way], *, seconds: float, at_most: int) -> Measured:
    """Let every trainer work for so long, all at once, after a warm-up; less long where so many tasks are done."""
    found = Measured(at_most=at_most)
    start = threading.Barrier(len(ways) + 1)
    over = threading.Event()
    threads = [threading.Thread(target=_loop, args=(way, start, over, found), daemon=True) for way in ways]
    for thread in threads:
        thread.start()
    with contextlib.suppress(threading.BrokenBarrierError):
        start.wait()
    began = time.perf_counter()
    over.wait(seconds)  # set early by the trainers
    over.set()
    found.seconds = time.perf_counter() - began
    for thread in threads:
        thread.join(90)
    if found.failed or any(thread.is_alive() for thread in threads):
        raise SystemExit("A trainer could not go on; its error is above.")
    return found


def _loop(way: Way, start: threading.Barrier, over: threading.Event, found: Measured) -> None:
    warm = Measured()
    try:
        for _ in range(WARM_UP):
            found.ledger.append(_one(way, warm))
        start.wait()
        while not over.is_set():
            found.ledger.append(_one(way, found))
            if len(found.submit) >= found.at_most:
                over.set()
    except BaseException:
        found.failed = True
        over.set()
        start.abort()
        raise
    finally:
        way.close()


def _one(way: Way, found: Measured) -> Task:
    """Take a task and submit it; both waits are noted once it is acknowledged."""
    began = time.perf_counter()
    task = way.take()
    taken = time.perf_counter()
    way.submit(task)
    found.submit.append(time.perf_counter() - taken)
    found.take.append(taken - began)
    return task
