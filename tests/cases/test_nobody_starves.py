"""Kind 9: whoever ranks finds work while prompts are unused, or a page that says why there is none."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from insights.live_progress import live_progress
from labeling import assignments, candidates, leases, projects, rankings, stock
from labeling.models import Project
from tests import makers

pytestmark = pytest.mark.django_db


def _stocked(project: Project, **settings: object) -> None:
    projects.change_settings(project=project, votes_per_comparison=2, stock_target=2, **settings)
    projects.add_prompts(project=project, prompts=[[{"role": "user", "content": f"Prompt {i}?"}] for i in range(6)])


def _rank_on(project: Project, trainer: User) -> int:
    """How many comparisons the trainer ranks until there are none, with the stock kept meanwhile."""
    for done in range(20):
        stock.keep_stock()
        makers.answer_all()
        candidates.settle_sampling()
        assignment, _ = leases.lease_next(project=project, trainer=trainer)
        if assignment is None:
            return done
        rankings.submit_ranking(assignment=assignment, groups=[[cid] for cid in assignment.order_shown], seconds=60)
    raise AssertionError("more comparisons than prompts")


def test_one_trainer_ranks_every_prompt_where_two_votes_are_wanted(project: Project, alice: User) -> None:
    _stocked(project)
    assert _rank_on(project, alice) == 6


def test_a_second_trainer_who_does_not_come_starves_nobody(
    project: Project, alice: User, bob: User, mona: User
) -> None:
    _stocked(project)
    assert (_rank_on(project, alice), _rank_on(project, bob)) == (6, 6)


def test_skipped_ones_are_no_work_either(project: Project, alice: User) -> None:
    _stocked(project)
    stock.keep_stock()
    makers.answer_all()
    candidates.settle_sampling()
    for _ in range(2):
        assignment, _new = leases.lease_next(project=project, trainer=alice)
        assert assignment is not None
        assignments.skip(assignment=assignment, reason="not my subject")
    assert _rank_on(project, alice) == 4


def test_the_page_says_what_waits_for_a_second_person(project: Project, alice: User, client: Client) -> None:
    _stocked(project)
    _rank_on(project, alice)
    client.force_login(alice)
    page = client.get(reverse("nothing", args=[project.slug]))
    assert "6 comparisons wait for a second person" in page.content.decode()
    assert live_progress(project)["waiting_for_others"] == 6
