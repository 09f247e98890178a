from __future__ import annotations

import pytest

from screening.filters.base import FILTERS
from tests.screening.planting import Knowing


@pytest.fixture
def knowing(monkeypatch: pytest.MonkeyPatch) -> Knowing:
    made, load, choices = Knowing(), FILTERS.load, FILTERS.choices
    monkeypatch.setattr(FILTERS, "load", lambda name: made if name == "knowing" else load(name))
    monkeypatch.setattr(FILTERS, "choices", lambda: (*choices(), "knowing"))
    return made
