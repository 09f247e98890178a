"""Texts that nobody waits for are screened some at a time: a slow filter takes its share, and no text holds others."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest

from screening import asking
from screening.asking import ask_in_pieces
from screening.filters.base import FILTERS, FilterDown
from screening.rules import Plan, Rule

PLAN = Plan(uuid4(), (Rule("counted", {"violence": (0.5, 0.6)}),), waits=True)


class Counted:
    """A filter that keeps what it was asked, fails on some texts and takes `seconds` of a clock for each."""

    version = "1"
    categories = {"violence": 0.5}
    fast = in_worker = True

    def __init__(self, *, fails_on: str = "", seconds: float = 0.0) -> None:
        self.fails_on, self.seconds = fails_on, seconds
        self.asked: list[int] = []
        self.now = 0.0

    def score(self, texts: Sequence[str]) -> list[dict[str, float]]:
        self.asked.append(len(texts))
        self.now += self.seconds * len(texts)
        if self.fails_on and any(self.fails_on in text for text in texts):
            raise FilterDown("It cannot read this.")
        return [{"violence": 0.0} for _ in texts]


def screened(chosen: Counted, texts: Sequence[str], monkeypatch: pytest.MonkeyPatch, seconds: float = 60) -> list[str]:
    """The texts that got a word."""
    monkeypatch.setattr(FILTERS, "load", lambda name: chosen)
    monkeypatch.setattr(asking, "monotonic", lambda: chosen.now)
    rows: dict[UUID, str] = {uuid4(): text for text in texts}
    found = {key: one for piece in ask_in_pieces(PLAN, rows, seconds=seconds) for key, one in piece.items()}
    return [rows[key] for key, (one,) in found.items() if not one.failed]


def test_a_quick_filter_gets_more_and_more_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = Counted()
    texts = [f"text {n}" for n in range(500)]
    assert screened(chosen, texts, monkeypatch) == texts
    assert chosen.asked == [8, 16, 32, 64, 128, 252]


def test_a_slow_filter_stops_when_its_share_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = Counted(seconds=2)
    assert len(screened(chosen, [f"text {n}" for n in range(500)], monkeypatch, seconds=5)) == 8
    assert chosen.now <= 16
    chosen = Counted(seconds=0.4)
    assert len(screened(chosen, [f"text {n}" for n in range(500)], monkeypatch, seconds=5)) < 20


@pytest.mark.parametrize("at", [0, 3, 7, 8, 40, 99])
def test_a_text_that_breaks_the_filter_stands_alone(at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"text {n}" for n in range(100)]
    texts[at] = "the one it breaks on"
    good = screened(Counted(fails_on="breaks"), texts, monkeypatch)
    assert good == [text for text in texts if "breaks" not in text]


def test_a_filter_that_is_down_is_left_after_a_few_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = Counted(fails_on="text")
    assert screened(chosen, [f"text {n}" for n in range(500)], monkeypatch) == []
    assert chosen.asked == [8, 4, 2, 1, 1, 1]
