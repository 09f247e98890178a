"""The first page of the admin site: each of my projects in a line, live, in a constant number of queries."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from labeling import projects, rankings
from labeling.models import Comparison, Project
from labeling.progress import glance_at, glance_of
from labeling.quality import reviews
from tests import makers

pytestmark = pytest.mark.django_db


def test_a_line_says_what_was_done_today_who_works_what_is_open_and_what_waits_for_me(
    project: Project, alice: User, bob: User, mona: User
) -> None:
    first, _, _ = (makers.make_comparison(project, k=3) for _ in range(3))
    done = makers.make_lease(first, alice)
    ranking, _ = rankings.submit_ranking(assignment=done, groups=[[cid] for cid in done.order_shown])
    reviews.ask_review(ranking=ranking)
    makers.make_lease(makers.make_comparison(project, k=3), bob)
    makers.make_comparison(makers.make_project("other"), k=3)
    hidden = makers.make_comparison(project, k=3)
    Comparison.objects.filter(pk=hidden.pk).update(only_for=bob)  # open to one person only
    wanted = {"today": 1, "at_work": 1, "open": 3, "to_review": 1}
    assert glance_at([project], reviewer=mona) == {project.pk: wanted}
    assert glance_of(project, reviewer=mona) == wanted


def test_the_page_asks_as_much_of_twenty_projects_as_of_one(project: Project, mona: User, client: Client) -> None:
    client.force_login(mona)
    client.get("/admin/")

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            assert client.get("/admin/").status_code == 200
        return len(seen)

    before = queries()
    for number in range(19):
        projects.set_membership(project=makers.make_project(f"more-{number}"), user=mona, role="manager")
    assert Project.objects.count() == 20
    assert queries() == before
