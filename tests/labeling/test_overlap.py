"""More votes where the first ones disagree."""

from __future__ import annotations

import pytest

from accounts.models import User
from labeling import leases
from labeling.models import Project
from tests import makers
from tests.labeling.makers import settings_of

pytestmark = pytest.mark.django_db


def test_two_opposite_votes_ask_for_exactly_the_extra_votes_once(project: Project, alice: User, bob: User) -> None:
    settings_of(project, adaptive_overlap=True, adaptive_extra_votes=2)
    comparison = makers.make_comparison(project, votes=2)
    makers.make_ranking(comparison, alice)
    makers.make_ranking(comparison, bob, groups=[[3], [2], [1], [0]])
    comparison.refresh_from_db()
    assert (comparison.state, comparison.votes_wanted, comparison.extra_votes) == ("open", 4, 2)
    for n, groups in enumerate(([[0], [1], [2], [3]], [[3], [2], [1], [0]])):
        makers.make_ranking(comparison, makers.make_member(project, f"more{n}"), groups=groups)
    comparison.refresh_from_db()
    assert (comparison.state, comparison.votes_wanted) == ("closed", 4)
    late = makers.make_member(project, "late")
    assert leases.lease_next(project=project, trainer=late) == (None, False)


def test_votes_that_agree_close_the_comparison(project: Project, alice: User, bob: User) -> None:
    settings_of(project, adaptive_overlap=True)
    comparison = makers.make_comparison(project, votes=2)
    makers.make_ranking(comparison, alice)
    makers.make_ranking(comparison, bob, groups=[[0], [1], [3], [2]])
    comparison.refresh_from_db()
    assert (comparison.state, comparison.votes_wanted) == ("closed", 2)


def test_grades_more_than_two_apart_ask_for_more_votes_though_the_order_agrees(
    project: Project, alice: User, bob: User
) -> None:
    settings_of(project, adaptive_overlap=True)
    comparison = makers.make_comparison(project, votes=2)
    ids = [str(c.completion_id) for c in comparison.candidates.order_by("index")]
    makers.make_ranking(comparison, alice, ratings={ids[0]: 7})
    makers.make_ranking(comparison, bob, ratings={ids[0]: 4})
    comparison.refresh_from_db()
    assert comparison.votes_wanted == 4


def test_a_rater_who_ties_all_is_no_disagreement(project: Project, alice: User, bob: User) -> None:
    settings_of(project, adaptive_overlap=True)
    comparison = makers.make_comparison(project, votes=2)
    makers.make_ranking(comparison, alice)
    makers.make_ranking(comparison, bob, groups=[[0, 1, 2, 3]])
    comparison.refresh_from_db()
    assert comparison.state == "closed"
