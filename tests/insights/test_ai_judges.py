"""AI judges against people, on sets so small that every figure was worked out by hand."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from django.test import Client

from accounts.models import User
from insights import reports, rounds
from insights.ai_judges import Judged, Vote, row_of
from insights.report_types import Share
from insights.round_tables import TABLES
from labeling.ai_judges import asking, judges, prompts, settling
from labeling.models import AiVerdict, Project
from tests import makers

ORDERS = (("0", "1"), ("1", "0"))


def judged(comparison: UUID, prompt: str, *said: str, model: str = "own") -> Judged:
    """Of two answers: what was said when 0 stood first, and when 1 did."""
    firsts, seconds = zip(*ORDERS, strict=True)
    return Judged(1, model, comparison, prompt, list(firsts), list(seconds), list(said))


def of(found: Share) -> tuple[float | None, float]:
    """Value and number, without what is lost in adding."""
    return found["value"] and round(found["value"], 9), found["n"]


def a(value: float, n: int) -> tuple[float, int]:
    return round(value, 9), n


def test_each_figure_is_what_it_says() -> None:
    pairs = [uuid4() for _ in range(5)]
    said = [
        judged(pairs[0], "a", "first", "second"),  # 0 in both orders
        judged(pairs[1], "b", "first", "first"),  # whatever stands first
        judged(pairs[2], "c", "second", "tie"),  # otherwise when the order changes
        judged(pairs[3], "d", "first", "unreadable"),
        judged(pairs[4], "e", "tie", "unanswered"),
    ]
    votes = {
        pairs[0]: [Vote([0, 1], [50, 20], ["own", "other"]), Vote([1, 0], [50, 20], ["own", "other"])],
        pairs[1]: [Vote([0, 1], [10, 20], ["other", "own"])],
        pairs[2]: [Vote([0, 0], [10, 20], ["other", "own"])],  # a tie says nothing
        pairs[3]: [Vote([0, 1], [10, 20], ["other", "own"])],  # of a pair that cannot be read
    }
    row = row_of(said, votes)
    assert (row["comparisons"], row["unanswered"]) == (5, 1)
    assert of(row["unreadable"]) == a(1 / 9, 9)
    assert of(row["ties"]) == a(2 / 8, 8)
    assert of(row["first"]) == a(4 / 6, 6)
    assert of(row["changed"]) == a(2 / 3, 3)
    assert of(row["agreement"]) == a(1 / 2, 2)
    assert of(row["undecided_as_half"]) == a((1 + 0 + 0.5) / 3, 3)
    assert of(row["people"]) == (0, 1)
    assert of(row["longer"]) == a((1 + 1 + 0.5) / 3, 3)
    assert of(row["people_longer"]) == a((1 + 0 + 0) / 3, 3)
    assert of(row["own"]) == a((1 + 1 + 0.5) / 3, 3)
    assert of(row["people_own"]) == a((1 + 0 + 0) / 3, 3)
    assert row["agreement"]["clusters"] == 1, "pairs of one prompt hang together"


def test_of_a_judge_that_no_person_checked_only_its_own_leanings_are_known() -> None:
    row = row_of([judged(uuid4(), "a", "first", "first")], {})
    assert row["agreement"]["value"] is None
    assert row["people"]["value"] is None
    assert of(row["first"]) == (1, 2)


@pytest.mark.django_db
def test_the_report_holds_a_judge_against_the_votes_and_leaves_them_as_they_were(
    project: Project, alice: User, mona: User, client: Client
) -> None:
    judges.appoint(project=project, model_version=makers.make_model("judge"), prompt=prompts.DEFAULT, share=1)
    for question in ("a", "b", "c"):
        comparison = makers.make_comparison(project, k=3, prompt=question)
        makers.make_ranking(comparison, alice, groups=[[0], [1], [2]])
    before = reports.insights_of(project)
    asking.ask()
    for verdict in AiVerdict.objects.select_related("request", "judgement__comparison"):
        order = list(verdict.judgement.comparison.texts)
        sooner = order.index(str(verdict.first_id)) < order.index(str(verdict.second_id))
        makers.answer(verdict.request, f"VERDICT: {1 if sooner else 2}")  # as alice
    settling.settle()
    report = rounds.rounds_of(project)
    assert report is not None
    (row,) = report["judges"]
    assert (row["judge"], row["model"], row["comparisons"]) == (1, "judge", 3)
    assert of(row["agreement"]) == (1, 9)
    assert of(row["first"]) == (0.5, 18)
    assert of(row["changed"]) == (0, 9)
    reports.refresh(project, force=True)
    after = reports.insights_of(project)
    assert before is not None
    assert after is not None
    assert {**after, "as_of": ""} == {**before, "as_of": ""}
    for name in ("ai-judges", "ai-judges-order", "ai-judges-leanings"):
        assert len(TABLES[name](report).rows) == 1
    client.force_login(mona)
    page = client.get(f"/admin/insights/{project.slug}/rounds/")
    assert "AI judges and people" in page.text
    assert "judge 1, judge" in page.text
