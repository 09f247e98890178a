"""What home tells besides the tasks: practice where there is some, what waits for a review, the day's goal."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django.fixtures import DjangoCaptureOnCommitCallbacks

from accounts.models import User
from labeling.models import Project
from labeling.quality import hidden
from tests import makers
from tests.labeling.review_queue import only

pytestmark = pytest.mark.django_db


def home(client: Client, person: User) -> str:
    client.force_login(person)
    return client.get("/").content.decode()


def test_practice_is_offered_once_there_is_an_item_and_where_an_exam_is_asked(
    client: Client, project: Project, alice: User, bob: User,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:  # fmt: skip
    cache.clear()
    assert "/practice/" not in home(client, alice)
    ranking = makers.make_ranking(makers.make_comparison(project), bob)
    with django_capture_on_commit_callbacks(execute=True):
        hidden.make_original(ranking=ranking, kind="exam", practice=True)
    assert "/projects/demo/practice/" in home(client, alice)
    elsewhere = makers.make_project("elsewhere", exam={"required": True})
    assert "/projects/elsewhere/practice/" in home(client, makers.make_member(elsewhere, "carol"))


def test_what_waits_for_a_review_is_told_to_reviewers_only(
    client: Client, project: Project, alice: User, rita: User
) -> None:
    only(project, random_share=1.0)
    for _ in range(2):
        makers.make_ranking(makers.make_comparison(project), alice)
    assert "2 waiting" in home(client, rita)
    assert "waiting" not in home(client, alice)


def test_the_days_goal_is_said_to_be_reached(client: Client, project: Project, alice: User) -> None:
    project.daily_goal = 1
    project.save()
    assert "0 of the day’s goal of 1" in home(client, alice)
    makers.make_ranking(makers.make_comparison(project), alice)
    assert "1 today: the day’s goal of 1 is reached" in home(client, alice)
