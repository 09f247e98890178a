"""What the content filter costs whoever waits: a message, the first words of a reply, completions by the thousand.

    python -m benchmarks.screening [--times 40]

A database of its own that is dropped at the end, uvicorn over HTTP for the messages, a sampler worker with the fake
engine in this process for the replies, and for the slow filter a moderations endpoint that takes half a second a
question. Every figure has its control (a project without filters) in turns with it, so that a busy machine slows both.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from benchmarks import services
from benchmarks.browsing import Trainer

if TYPE_CHECKING:
    from labeling.models import Dialogue, Project

WORDS = [
    "the",
    "model",
    "killed",
    "time",
    "while",
    "people",
    "make",
    "a",
    "plan",
    "and",
    "children",
    "read",
    "12",
    "books",
    "of",
    "master",
    "chess",
]
SLOW = 0.5  # seconds of one question to the slow filter
SAY = "delay=0.01&tokens=10&say=" + "So it goes, and so on. " * 12
MESSAGE_BOUND, TOKEN_BOUND, PER_SECOND = 10.0, 50.0, 1000


def text_of(characters: int, draw: random.Random) -> str:
    return " ".join(draw.choices(WORDS, k=characters // 4))[:characters]


def completions_a_second(count: int = 1000, characters: int = 1200, times: int = 5) -> float:
    """By patterns on one core, in processor time, the median of some rounds."""
    from screening.filters.patterns import FILTER

    draw = random.Random(3)
    texts = [text_of(characters, draw) for _ in range(count)]
    took = []
    for _ in range(times):
        began = time.process_time()
        FILTER.score(texts)
        took.append(time.process_time() - began)
    return count / statistics.median(took)


def made_projects() -> dict[str, Project]:
    """By what its filters do: none, patterns that block, and a slow filter that blocks."""
    from labeling import projects
    from screening import rules
    from tests import makers

    version = makers.make_model("bench-fake", location=SAY, weights_hash="")
    found = {}
    for name, filters in (("none", []), ("patterns", ["patterns"]), ("slow", ["moderations"])):
        project = makers.make_project(f"screened-{name}", with_round=False)
        projects.open_round(project=project, policies=[(version, 1.0, {})])
        rules.choose_filters(project=project.pk, filters=filters, when_down="wait")
        for filter in filters:
            rules.set_threshold(project=project.pk, filter=filter, category="violence", warn_at=0.5, block_at=0.9)
        found[name] = project
    return found


def messages(made: dict[str, Project], address: str, times: int) -> dict[str, float]:
    """Median milliseconds in the server of sending 2,000 characters, each as the first of a chat."""
    from benchmarks.filling import session_of
    from labeling import dialogues, projects
    from tests import makers

    alice = makers.make_user("bench-alice")
    draw = random.Random(5)
    taken: dict[str, list[float]] = {"none": [], "patterns": []}
    for name in taken:
        projects.set_membership(project=made[name], user=alice, role="trainer")
    with contextlib.closing(Trainer(address, session_of(alice))) as trainer:
        for number in range(times + 5):
            for name, seen in taken.items():
                chat = dialogues.start_dialogue(project=made[name], author=alice, kind="chat")
                milliseconds = trainer.send(f"/dialogues/{chat.pk}/", text_of(2000, draw))
                if number >= 5:  # the first ones warm the server
                    seen.append(milliseconds)
    return {name: statistics.median(seen) for name, seen in taken.items()}


def first_words(made: dict[str, Project], times: int, ring: Callable[[], None]) -> dict[str, float]:
    """Median milliseconds from the message to the first words that a reader sees. `ring` wakes the worker, as the
    doorbell does where Celery runs: else it looks twice a second."""
    from labeling import dialogues, projects
    from tests import makers

    bob = makers.make_user("bench-bob")
    for project in made.values():
        projects.set_membership(project=project, user=bob, role="trainer")
    taken: dict[str, list[float]] = {name: [] for name in made}
    for number in range(times + 2):
        for name, project in made.items():
            chat = dialogues.start_dialogue(project=project, author=bob, kind="chat")
            milliseconds = _until_words(chat, ring)
            if number >= 2:
                taken[name].append(milliseconds)
    return {name: statistics.median(seen) for name, seen in taken.items()}


def _until_words(chat: Dialogue, ring: Callable[[], None]) -> float:
    from labeling import chats
    from sampler import streams

    began = time.perf_counter()
    request = chats.send_message(dialogue=chat, text="Tell me something.")
    ring()
    while not any(streams.snapshot(request.pk)[0]):
        time.sleep(0.002)
        if time.perf_counter() - began > 30:
            raise TimeoutError("No words came within 30 s.")
    milliseconds = (time.perf_counter() - began) * 1000
    streams.wait(request.pk, timeout=30)
    return milliseconds


@contextlib.contextmanager
def slow_filter() -> Iterator[None]:
    """A moderations endpoint that takes its time, set up for this process."""
    from django.test import override_settings

    from common.environment.filters import FilterServer, FilterSettings
    from tests.stand_ins import filters

    with filters.running(filters.State(seconds=SLOW)) as url:
        server = FilterServer(url, "stand-in", key=filters.KEY)
        with override_settings(FILTERS=FilterSettings(moderations=server)):
            yield


def measure(times: int, url: str, say: Callable[[str], None]) -> bool:
    from tests.sampler.conftest import serving

    speed = completions_a_second()
    say(f"completions of 1,200 characters by patterns: {speed:,.0f} a second of one core")
    made = made_projects()
    with services.web_server(url) as address:
        sent = messages(made, address, times)
    more = sent["patterns"] - sent["none"]
    say(f"a message of 2,000 characters: {sent['patterns']:.1f} ms in the server, without filters {sent['none']:.1f}")
    with slow_filter(), serving("bench-fake") as worker:
        seen = first_words(made, times, worker.ring)
    later = seen["patterns"] - seen["none"]
    say(f"first words: without filters {seen['none']:.0f} ms, patterns {seen['patterns']:.0f}, slow {seen['slow']:.0f}")
    over = [
        name
        for name, holds in (
            ("completions", speed >= PER_SECOND),
            ("a message", more < MESSAGE_BOUND),
            ("first words with patterns", later < TOKEN_BOUND),
            ("first words with a slow filter", seen["slow"] - seen["none"] < 1000 * SLOW * 1.5),
        )
        if not holds
    ]
    if over:
        say(f"over the bound: {', '.join(over)}")
    return not over


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--times", type=int, default=40, help="messages, and replies, of each kind")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    with services.servers(), services.own_database("bench_screening") as url, services.django_on(url):
        within = measure(options.times, url, lambda words: print(words, flush=True))
    print(f"load average {load:.1f} at the beginning, {os.getloadavg()[0]:.1f} at the end")
    sys.exit(0 if within else 1)


if __name__ == "__main__":
    main()
