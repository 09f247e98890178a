"""Who is counted as somebody who will come back for more, when comparisons are made ahead of demand."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from labeling import assignments, leases, stock
from labeling.models import Assignment, Membership, Project, Ranking
from tests import makers

pytestmark = pytest.mark.django_db


def test_active_are_those_who_hold_skip_or_submit_in_this_project_these_days(
    project: Project, alice: User, bob: User, rita: User
) -> None:
    elsewhere, carol = makers.make_project("elsewhere"), makers.make_member(project, "carol")
    for _ in range(6):
        makers.make_comparison(project)
    assert stock.active(project) == []
    leases.lease_next(project=project, trainer=bob)
    skipped, _ = leases.lease_next(project=project, trainer=rita)
    assert skipped is not None
    assignments.skip(assignment=skipped, reason="not mine")
    makers.make_ranking(makers.make_comparison(project), alice)
    assert {person.username for person in stock.active(project)} == {"alice", "bob", "rita"}
    assert carol not in stock.active(project)
    assert stock.active(elsewhere) == []


def test_whoever_did_nothing_for_a_week_or_left_is_not_active(project: Project, alice: User, bob: User) -> None:
    long_ago = timezone.now() - stock.ACTIVE - timedelta(minutes=1)
    makers.make_ranking(makers.make_comparison(project), alice)
    makers.make_comparison(project)
    leases.lease_next(project=project, trainer=bob)
    Ranking.objects.update(submitted_at=long_ago)
    Assignment.objects.filter(trainer=alice).update(heartbeat_at=long_ago)
    assert stock.active(project) == [bob]
    Membership.objects.filter(user=bob).update(ended_at=timezone.now())
    assert stock.active(project) == []


def test_of_many_the_ones_who_ranked_last_are_looked_at(
    project: Project, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stock, "MOST_ACTIVE", 1)
    for trainer in (alice, bob):
        makers.make_ranking(makers.make_comparison(project), trainer)
    assert stock.active(project) == [bob]
