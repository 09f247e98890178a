"""Harm planted at random offsets, projects that block it, and a slow filter that knows it and notes what it judged."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence

from labeling.models import Project
from screening import rules

BAD = "I will kill you tomorrow."
TIMES = 200


def planted(seed: int, times: int = TIMES, longest: int = 2_000) -> list[str]:
    """Texts with BAD at random offsets, at the very beginning and end too."""
    draw = random.Random(seed)
    places = [(0, 0), (0, 500), (500, 0)] + [(draw.randrange(longest), draw.randrange(500)) for _ in range(times - 3)]
    return [("word " * longest)[:before] + f" {BAD} " + ("more " * 200)[:after] for before, after in places]


def block(project: Project, filter: str = "patterns") -> None:
    rules.choose_filters(project=project.pk, filters=[filter], when_down="wait")
    rules.set_threshold(project=project.pk, filter=filter, category="violence", warn_at=0.3, block_at=0.8)


class Knowing:
    """A slow filter that knows BAD, and notes what it has judged."""

    version = "1"
    categories = {"violence": 0.5}
    fast = in_worker = False

    def __init__(self) -> None:
        self.seconds = 0.0
        self.go_on = threading.Event()  # a test that clears it keeps the filter waiting
        self.go_on.set()
        self.judged: list[str] = []
        self.calls = 0

    def score(self, texts: Sequence[str]) -> list[dict[str, float]]:
        self.calls += 1
        time.sleep(self.seconds)
        self.go_on.wait(60)
        self.judged += texts
        return [{"violence": float(BAD in text or "forbidden sentence" in text)} for text in texts]
