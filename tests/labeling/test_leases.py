"""Who is given which vote, and what becomes of a lease that ran out."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from labeling import assignments, leases, rankings
from labeling.errors import Conflict, Invalid
from labeling.models import Assignment, Project
from tests import makers
from tests.labeling.makers import lease_next

pytestmark = pytest.mark.django_db


def singles(assignment: Assignment) -> list[list[str]]:
    return [[cid] for cid in sorted(assignment.order_shown)]


def expire(assignment: Assignment) -> int:
    Assignment.objects.filter(pk=assignment.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    return leases.expire_leases()


def test_the_open_lease_is_given_again_before_a_new_one(project: Project, alice: User) -> None:
    makers.make_comparison(project)
    makers.make_comparison(project)
    first, created = leases.lease_next(project=project, trainer=alice)
    again, created_again = leases.lease_next(project=project, trainer=alice)
    assert (created, created_again) == (True, False)
    assert first == again


def test_nobody_gets_a_comparison_of_their_own_chat_or_one_they_had(project: Project, alice: User, bob: User) -> None:
    makers.make_comparison(project, author=alice)
    assert leases.lease_next(project=project, trainer=alice) == (None, False)
    assignments.skip(assignment=lease_next(project, bob), reason="not my language")
    assert leases.lease_next(project=project, trainer=bob) == (None, False)


def test_a_guest_and_a_stranger_get_no_lease(project: Project, guest: User, stranger: User) -> None:
    for person in (guest, stranger):
        with pytest.raises(Invalid):
            leases.lease_next(project=project, trainer=person)


def test_an_expired_lease_frees_its_vote_and_keeps_its_draft(project: Project, alice: User, bob: User) -> None:
    comparison = makers.make_comparison(project)
    assignment = makers.make_lease(comparison, alice)
    assignments.save_draft(assignment=assignment, draft={"note": "half done"}, expected_version=0)
    assert expire(assignment) == 1
    revived, created = leases.lease_next(project=project, trainer=alice)
    assert revived is not None
    assert (revived.pk, created, revived.draft) == (assignment.pk, False, {"note": "half done"})
    expire(assignment)
    assert lease_next(project, bob).comparison_id == comparison.pk


def test_a_late_ranking_counts_while_a_vote_is_free_and_is_surplus_otherwise(
    project: Project, alice: User, bob: User
) -> None:
    comparison = makers.make_comparison(project)
    late = makers.make_lease(comparison, alice)
    expire(late)
    makers.make_ranking(comparison, bob)
    ranking, _ = rankings.submit_ranking(assignment=late, groups=singles(late))
    assert ranking.kind == "surplus"
    comparison = makers.make_comparison(project)
    late = makers.make_lease(comparison, alice)
    expire(late)
    ranking, _ = rankings.submit_ranking(assignment=late, groups=singles(late))
    assert ranking.kind == "vote"
    comparison.refresh_from_db()
    assert comparison.state == "closed"


def test_two_tabs_saving_drafts_are_told_apart(project: Project, alice: User) -> None:
    assignment = makers.make_lease(makers.make_comparison(project), alice)
    assert assignments.save_draft(assignment=assignment, draft={"note": "1"}, expected_version=0) == 1
    with pytest.raises(Conflict) as caught:
        assignments.save_draft(assignment=assignment, draft={"note": "2"}, expected_version=0)
    assert caught.value.version == 1
    assignment.refresh_from_db()
    assert assignment.draft == {"note": "1"}


def test_the_database_itself_refuses_a_second_holder_of_a_vote(project: Project, alice: User, bob: User) -> None:
    comparison = makers.make_comparison(project)
    makers.make_lease(comparison, alice)
    now = timezone.now()
    with pytest.raises(IntegrityError), transaction.atomic():
        Assignment.objects.create(
            comparison=comparison, trainer=bob, slot=0, order_shown=[], order_seed=1, heartbeat_at=now, expires_at=now
        )
