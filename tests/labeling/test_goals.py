"""Goals of a round: what counts, what is left, the pace and the day on which it is reached; shares of trainers."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import tokens
from accounts.models import User
from labeling import corrections, goals, projects
from labeling.errors import Invalid
from labeling.models import Dialogue, Project, Ranking, Round
from tests import makers


@pytest.fixture
def round_(project: Project) -> Round:
    """Opened ten days ago."""
    found = project.rounds.get()
    Round.objects.filter(pk=found.pk).update(opened_at=timezone.now() - dt.timedelta(days=10))
    found.refresh_from_db()
    return found


def rank(project: Project, user: User, *, days_ago: float = 0) -> Ranking:
    made = makers.make_ranking(makers.make_comparison(project, votes=2), user)
    Ranking.objects.filter(pk=made.pk).update(submitted_at=timezone.now() - dt.timedelta(days=days_ago))
    return made


def test_a_goal_tells_what_is_left_the_pace_and_the_day(
    project: Project, round_: Round, alice: User, bob: User
) -> None:
    for days in (0, 3, 9):
        rank(project, alice, days_ago=days)
    rank(project, bob, days_ago=5)
    taken_back = rank(project, bob).assignment
    assert taken_back is not None
    corrections.undo_ranking(assignment=taken_back)
    goals.set_goals(round=round_, goal_rankings=10)
    (goal,) = goals.goals_of(round_)
    whole = goal.whole
    assert (goal.kind, whole.done, whole.left, whole.today, whole.percent) == ("rankings", 4, 6, 1, 40)
    assert whole.pace == pytest.approx(3 / 7)
    assert whole.ends == timezone.localdate(timezone.now() + dt.timedelta(days=14))
    assert [(name, part.done, part.target) for name, part in goal.people] == [("alice", 3, 0), ("bob", 1, 0)]


def test_demonstrations_count_once_they_are_handed_in(project: Project, round_: Round, alice: User) -> None:
    goals.set_goals(round=round_, goal_demonstrations=1)
    makers.make_demonstration(project, alice, submit=False)
    makers.make_chat(project, alice, submit=True)
    assert goals.goals_of(round_)[0].whole.done == 0
    makers.make_demonstration(project, alice)
    Dialogue.objects.update(round=round_)
    (goal,) = goals.goals_of(round_)
    assert (goal.whole.done, goal.whole.left, goal.whole.ends) == (1, 0, None)


def test_each_trainer_has_a_share_whether_they_began_or_not(
    project: Project, round_: Round, alice: User, bob: User, rita: User
) -> None:
    rank(project, alice)
    goals.set_goals(round=round_, share_rankings=2)
    (goal,) = goals.goals_of(round_)
    assert goal.whole.target == 0
    assert [(name, part.left) for name, part in goal.people] == [("alice", 1), ("bob", 2)]


@pytest.mark.parametrize(("done", "days", "ends"), [(0, 10, False), (1, 10, True), (1, 0, True)])
def test_where_nothing_comes_in_no_day_is_told(
    project: Project, round_: Round, alice: User, done: int, days: int, ends: bool
) -> None:
    Round.objects.filter(pk=round_.pk).update(opened_at=timezone.now() - dt.timedelta(days=days))
    round_.refresh_from_db()
    for _ in range(done):
        rank(project, alice)
    goals.set_goals(round=round_, goal_rankings=5)
    part = goals.goals_of(round_)[0].whole
    assert (part.ends is not None) == ends
    if not days:
        assert part.pace == 1, "a round of today is a day old"
    goals.set_goals(round=round_, goal_rankings=9_000_000)
    assert goals.goals_of(round_)[0].whole.ends is None, "in more than ten years"
    projects.close_round(round=round_)
    round_.refresh_from_db()
    assert goals.goals_of(round_)[0].whole.ends is None


def test_a_count_of_many_is_kept_for_a_minute(
    project: Project, round_: Round, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(goals, "MANY", 0)
    cache.clear()
    goals.set_goals(round=round_, goal_rankings=5)
    rank(project, alice)
    assert goals.goals_of(round_)[0].whole.done == 1
    with CaptureQueriesContext(connection) as queries:
        goals.set_goals(round=round_, goal_rankings=7)
        assert goals.goals_of(round_)[0].whole.left == 6
    assert len(queries) == 1, "the write"


def test_numbers_out_of_range_are_refused(round_: Round) -> None:
    for number in (-1, goals.MOST + 1):
        with pytest.raises(Invalid, match="from 0 to"):
            goals.set_goals(round=round_, goal_rankings=number)
    round_.refresh_from_db()
    assert round_.goal_rankings == 0


def test_a_trainer_sees_her_share_on_the_first_page_where_one_is_set(
    client: Client, project: Project, round_: Round, alice: User, rita: User
) -> None:
    rank(project, alice)
    makers.make_demonstration(project, alice)
    Dialogue.objects.update(round=round_)
    client.force_login(alice)
    assert "in this round" not in client.get("/").content.decode()
    goals.set_goals(round=round_, share_rankings=20, share_demonstrations=3)
    page = client.get("/").content.decode()
    assert "1 of your 20 rankings in this round" in page
    assert "1 of your 3 demonstrations in this round" in page
    client.force_login(rita)
    assert "in this round" not in client.get("/").content.decode()


def test_the_api_sets_goals_with_a_round_and_tells_how_far_they_are(
    project: Project, mona: User, rita: User, alice: User
) -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens.create(user=mona)}")
    base = f"/api/v1/projects/{project.slug}/rounds"
    wanted = {"policies": [{"model_version": makers.make_model().slug}], "goal_rankings": 4, "share_rankings": 2}
    made = client.post(f"{base}/", wanted, format="json")
    assert (made.status_code, made.data["goal_rankings"], made.data["goal_demonstrations"]) == (201, 4, 0)
    rank(project, alice)
    (goal,) = client.get(f"{base}/{made.data['number']}/goals/").data
    assert goal["whole"] | {"pace": 0, "ends": None} == {
        "target": 4, "done": 1, "left": 3, "today": 1, "pace": 0, "ends": None,
    }  # fmt: skip
    assert goal["whole"]["pace"] == 1
    assert [(row["user"], row["done"], row["left"]) for row in goal["trainers"]] == [("alice", 1, 1)]
    assert client.get(f"{base}/99/goals/").status_code == 404
