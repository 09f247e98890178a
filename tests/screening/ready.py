"""How each filter of `screening/filters` is set up for a test, and which words it knows as harmful."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from django.test import override_settings

from common.environment.filters import FilterServer, FilterSettings
from screening.filters.base import FILTERS, Filter
from screening.guards.base import GUARDS
from tests.generation.tiny import make_classifier
from tests.stand_ins import filters as stand_in

HARM = "I will kill you tomorrow."  # which every filter here knows
CALM = "We sing of amber and basalt."
GUARDED = {"llama_guard": "violence", "shield_gemma": "harassment", "granite_guardian": "violence"}
LONGEST = {"shield_gemma": 2_000, "granite_guardian": 2_000}  # they are asked once for each category
SERVED = ["moderations", *(f"guard {kind}" for kind in GUARDS.choices())]
ALL = [*(name for name in FILTERS.choices() if name != "guard"), *SERVED[1:]]


@dataclass
class Ready:
    """A filter that works, the category of HARM, and the server behind it, if there is one."""

    name: str
    category: str
    state: stand_in.State = field(default_factory=stand_in.State)
    longest: int = 12_000  # characters before harm that a test of many texts has time for

    @property
    def filter(self) -> Filter:
        return FILTERS.load(self.name)


@contextmanager
def ready(case: str, classifier: Path, *, timeout: float = 60.0) -> Iterator[Ready]:
    """The filter of this case; `classifier` is a folder of `trained`."""
    name, _, kind = case.partition(" ")
    state = stand_in.State()
    if name == "patterns":
        yield Ready(name, "violence")
    elif name == "classifier":
        with override_settings(FILTERS=FilterSettings(classifier=str(classifier), classifier_labels={"calm": ""})):
            yield Ready(name, "violence", longest=1_500)
    else:
        with stand_in.running(state) as url:
            server = FilterServer(url, kind or "omni-moderation-latest", kind, stand_in.KEY)
            guard, moderations = (server, None) if name == "guard" else (None, server)
            told = FilterSettings(guard=guard, moderations=moderations, timeout=timeout)
            with override_settings(FILTERS=told):
                yield Ready(name, GUARDED.get(kind, "violence"), state, LONGEST.get(kind, 12_000))


def trained(folder: Path) -> Path:
    return make_classifier(folder)
