"""The table of pairs: whichever two of a situation's writes meet, what stands is what one of the two orders leaves."""

from __future__ import annotations

import os
from typing import TypeVar

import pytest

from tests.races import dialogues, judges, notices, projects, questions, rankings, requests, runs, webhooks
from tests.races.pairs import Pair, Situation

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
    (questions.SITUATIONS, "asked", "answer", "take back"),
    (questions.SITUATIONS, "asked", "ask", "withdraw alice"),
    (runs.SITUATIONS, "pushed", "push", "take back"),
    (runs.SITUATIONS, "going back", "remove", "lease"),
    (requests.SITUATIONS, "request claimed", "give back", "cancel"),
    (webhooks.SITUATIONS, "given up", "send again", "send again"),
    (projects.SITUATIONS, "invited", "dan", "dan is made one"),
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
@pytest.mark.parametrize(("situation", "first", "second"), table(rankings.SITUATIONS))
def test_two_writes_on_a_ranking_end_as_one_of_the_two_orders(
    situation: Situation[rankings.Work], first: str, second: str
) -> None:
    check(situation, first, second, TIMES)


@pytest.mark.slow
@pytest.mark.parametrize(("situation", "first", "second"), table(dialogues.SITUATIONS))
def test_two_writes_on_a_dialogue_end_as_one_of_the_two_orders(
    situation: Situation[dialogues.Work], first: str, second: str
) -> None:
    check(situation, first, second, TIMES)


@pytest.mark.slow
@pytest.mark.parametrize(("situation", "first", "second"), table(runs.SITUATIONS))
def test_two_writes_on_a_run_end_as_one_of_the_two_orders(
    situation: Situation[runs.Work], first: str, second: str
) -> None:
    check(situation, first, second, TIMES)


@pytest.mark.slow
@pytest.mark.parametrize(("situation", "first", "second"), table(requests.SITUATIONS))
def test_two_writes_on_a_request_or_its_texts_end_as_one_of_the_two_orders(
    situation: Situation[requests.Work], first: str, second: str
) -> None:
    check(situation, first, second, TIMES)


@pytest.mark.slow
@pytest.mark.parametrize(("situation", "first", "second"), table(projects.SITUATIONS))
def test_two_writes_on_a_project_or_its_people_end_as_one_of_the_two_orders(
    situation: Situation[projects.Work], first: str, second: str
) -> None:
    check(situation, first, second, TIMES)


@pytest.mark.slow
@pytest.mark.parametrize(("situation", "first", "second"), table(webhooks.SITUATIONS))
def test_two_writes_on_a_webhook_end_as_one_of_the_two_orders(
    situation: Situation[webhooks.Work], first: str, second: str
) -> None:
    check(situation, first, second, TIMES)


@pytest.mark.slow
@pytest.mark.parametrize(("situation", "first", "second"), table(questions.SITUATIONS))
def test_two_writes_on_a_question_end_as_one_of_the_two_orders(
    situation: Situation[questions.Work], first: str, second: str
) -> None:
    check(situation, first, second, TIMES)


@pytest.mark.slow
@pytest.mark.parametrize(("situation", "first", "second"), table(judges.SITUATIONS))
def test_two_writes_on_what_a_judge_judges_end_as_one_of_the_two_orders(
    situation: Situation[rankings.Work], first: str, second: str
) -> None:
    check(situation, first, second, TIMES)


@pytest.mark.slow
@pytest.mark.parametrize(("situation", "first", "second"), table(notices.SITUATIONS))
def test_two_writes_on_a_notice_end_as_one_of_the_two_orders(
    situation: Situation[notices.Work], first: str, second: str
) -> None:
    check(situation, first, second, TIMES)
