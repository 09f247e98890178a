"""Sixteen clients of one trainer load pages of the text that takes longest to lay out; everybody else waits how long?

    python -m benchmarks.worst_text --clients 16 --seconds 20

Runs on the servers of `benchmarks/services.py`, in a database of its own that is dropped at the end. The texts are the
worst of those that tests/labeling/test_rendering_bounds.py makes, at their largest; no page is loaded twice, so none
comes out of a cache. Meanwhile another trainer asks for /healthz and the home page.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from benchmarks import services

if TYPE_CHECKING:
    from accounts.models import User

HEALTHZ, HOME, IDLE_AGAIN = 0.5, 1.0, 10.0  # seconds: bounds of the two p95, and of coming back to idle
SLOWER = 2.0  # times idle that counts as idle again, with 50 ms for chance


@dataclass(frozen=True)
class Made:
    paths: list[str]  # pages of the worst text
    attacker: str  # sessions
    other: str
    text: str  # how the worst one begins
    seconds: float  # to lay it out


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--pages", type=int, default=240)
    given = parser.parse_args()
    with services.servers(), services.own_database("worst_text") as url, services.django_on(url):
        made = make(given.pages)
        with services.web_server(url) as address:
            facts = measure(address, made, given.clients, given.seconds)
    print(json.dumps(facts))
    good = facts["healthz"] < HEALTHZ and facts["home"] < HOME and facts["idle again"] < IDLE_AGAIN
    return 0 if good else 1


def make(pages: int) -> Made:
    """The worst of the texts, each time another, as demonstrations of one trainer."""
    from labeling import dialogues, turns
    from labeling.pages.markdown import bounds
    from tests import makers
    from tests.labeling.test_rendering_bounds import seconds, texts

    took, worst = max((seconds(text), text) for text in texts(bounds.LONGEST - 20))
    project = makers.make_project("worst")
    attacker, other = (makers.make_member(project, name) for name in ("alice", "bob"))
    paths = []
    for number in range(pages):
        dialogue = dialogues.start_dialogue(project=project, author=attacker, kind="demonstration")
        turns.add_turn(dialogue=dialogue, role="user", text=f"{number}\n\n{worst}")
        paths.append(f"/dialogues/{dialogue.pk}/")
    return Made(paths, _session(attacker), _session(other), worst[:12], took)


def _session(user: User) -> str:
    from django.test import Client

    client = Client()
    client.force_login(user)
    return str(client.session.session_key)


def measure(address: str, made: Made, clients: int, seconds: float) -> dict[str, float]:
    """p95 of both pages beside the clients, and how long they are slower afterwards."""
    other = httpx.Client(base_url=address, cookies={"sessionid": made.other}, timeout=60, trust_env=False)
    ask: dict[str, Callable[[], httpx.Response]] = {
        "healthz": lambda: other.get("/healthz"),
        "home": lambda: other.get("/"),
    }
    for one in ask.values():
        one()
    idle = {name: p95(list(_times(one, 3.0))) for name, one in ask.items()}
    until = time.monotonic() + seconds
    waiting = iter(made.paths)
    lock = threading.Lock()
    loaded: list[int] = []

    def load() -> None:
        with httpx.Client(base_url=address, cookies={"sessionid": made.attacker}, timeout=90, trust_env=False) as http:
            while time.monotonic() < until:
                with lock:
                    path = next(waiting, "")
                if not path:
                    return
                loaded.append(http.get(path).status_code)

    with ThreadPoolExecutor(clients) as pool:
        attack = [pool.submit(load) for _ in range(clients)]
        time.sleep(1.0)
        beside: dict[str, list[float]] = {name: [] for name in ask}
        while time.monotonic() < until:
            for name, one in ask.items():
                beside[name] += list(_times(one, 0.0))
        ended = time.monotonic()
        again = ended
        while time.monotonic() - ended < 3 * IDLE_AGAIN:
            found = {name: next(_times(one, 0.0)) for name, one in ask.items()}
            if any(took > SLOWER * idle[name] + 0.05 for name, took in found.items()):
                again = time.monotonic()
            elif time.monotonic() - again > 2.0:
                break
        for client in attack:
            client.result()
    return {
        "healthz": p95(beside["healthz"]), "home": p95(beside["home"]), "idle again": round(again - ended, 1),
        "healthz idle": idle["healthz"], "home idle": idle["home"], "pages": len(loaded),
        "not answered": sum(code >= 500 for code in loaded), "laying it out": round(made.seconds, 2),
    }  # fmt: skip


def _times(ask: Callable[[], httpx.Response], seconds: float) -> Iterator[float]:
    until = time.monotonic() + seconds
    while True:
        began = time.monotonic()
        ask().raise_for_status()
        yield time.monotonic() - began
        if time.monotonic() >= until:
            return


def p95(values: list[float]) -> float:
    return round(sorted(values)[int(len(values) * 0.95)], 3)


if __name__ == "__main__":
    sys.exit(main())
