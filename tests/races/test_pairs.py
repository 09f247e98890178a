"""The table of pairs: whichever two of a situation's writes meet, what stands is what one of the two orders leaves."""

from __future__ import annotations

import os
from typing import TypeVar

import pytest

from tests.races import dialogues, guests, judges, projects, questions, rankings, requests, runs, webhooks
from tests.races.pairs import Pair, Situation
from tests.races.rooms import ROOMS

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]

W = TypeVar("W")
QUICK, TIMES = 4, int(os.environ.get("DUOLOGUE_RACES") or 20)  # 100 for a release
OFTEN_TOGETHER = [
    (rankings.SITUATIONS, "submitted", "undo", "accept"),
    (rankings.SITUATIONS, "submitted", "undo", "withdraw alice"),
    (rankings.SITUATIONS, "leased", "submit", "withdraw alice"),
    (judges.SITUATIONS, "to be judged", "ask", "withdraw carol"),
    (judges.SITUATIONS, "answered", "settle", "withdraw carol"),
    (dialogues.SITUATIONS, "handed in", "undo", "accept"),
    (dialogues.SITUATIONS, "chat handed in", "undo", "bob leases"),
    (guests.SITUATIONS, "guest's chat", "send", "send beside"),
    (guests.SITUATIONS, "guest's chat", "harmful", "withdraw chat"),
    (questions.SITUATIONS, "asked", "answer", "take back"),
    (questions.SITUATIONS, "asked", "ask", "withdraw alice"),
    (runs.SITUATIONS, "pushed", "push", "take back"),
    (runs.SITUATIONS, "going back", "remove", "lease"),
    (requests.SITUATIONS, "request claimed", "give back", "cancel"),
    (webhooks.SITUATIONS, "given up", "send again", "send again"),
    (projects.SITUATIONS, "invited", "dan", "dan is made one"),
    (projects.SITUATIONS, "invited by mail", "again", "again to review"),
    (projects.SITUATIONS, "invited by mail", "dan", "again"),
]  # fmt: skip


def table(situations: object) -> list[object]:
    assert isinstance(situations, tuple)
    return [
        pytest.param(situation, first, second, id=f"{situation.name}: {first} + {second}")
        for situation in situations
        for first, second in situation.pairs()
    ]


def check(situation: Situation[W], first: str, second: str, times: int) -> None:
    pair = Pair(situation, first, second)
    allowed = pair.in_turn()
    seen = pair.at_once(times)
    wrong = {outcome: n for outcome, n in seen.items() if outcome not in allowed}
    assert not wrong, f"{sum(wrong.values())} of {times} end as neither order does: {wrong}; allowed: {allowed}"


@pytest.mark.parametrize(("situations", "name", "first", "second"), OFTEN_TOGETHER)
def test_the_pairs_that_people_meet_most_end_as_one_of_the_two_orders(
    situations: tuple[Situation[object], ...], name: str, first: str, second: str
) -> None:
    (situation,) = [one for one in situations if one.name == name]
    check(situation, first, second, QUICK)


@pytest.mark.slow
@pytest.mark.parametrize(("situation", "first", "second"), [pair for room in ROOMS for pair in table(room.SITUATIONS)])
def test_any_two_writes_end_as_one_of_the_two_orders(situation: Situation[object], first: str, second: str) -> None:
    check(situation, first, second, TIMES)
