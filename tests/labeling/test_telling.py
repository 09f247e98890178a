"""Which event tells whom."""

from __future__ import annotations

import pytest
from django.utils import timezone

from accounts.models import Notice, User
from exports import runs
from labeling import corrections, invitations, projects, questions, rankings
from labeling.models import Project
from labeling.quality import decisions, reviews
from labeling.withdrawal import withdraw
from tests import makers

pytestmark = pytest.mark.django_db


def told(kind: str) -> list[tuple[str, str]]:
    rows = Notice.objects.filter(kind=kind).order_by("pk")
    return [(row.user.username, row.address) for row in rows.select_related("user")]


def test_returned_work_until_the_decision_is_taken_back(project: Project, alice: User, rita: User) -> None:
    dialogue = makers.make_demonstration(project, alice)
    ranking = makers.make_ranking(makers.make_comparison(project), alice)
    reviews.decide(reviewer=rita, decision="accepted", dialogue=dialogue)
    reviews.decide(reviewer=rita, decision="returned", ranking=ranking, comment="Look again.")
    reviews.decide(reviewer=rita, decision="returned", dialogue=dialogue, comment="Say more.")
    assert told("returned") == [("alice", f"/returned/{ranking.pk}/"), ("alice", f"/dialogues/{dialogue.pk}/")]
    decisions.undo_last(project=project, reviewer=rita)
    assert told("returned") == [("alice", f"/returned/{ranking.pk}/")]


def test_answered_to_whoever_asked_with_the_way_there(project: Project, alice: User, rita: User, mona: User) -> None:
    lease = makers.make_lease(makers.make_comparison(project), alice)
    dialogue = makers.make_demonstration(project, alice)
    asked = [
        questions.ask(by=alice, text="Why?", comparison=lease.comparison),
        questions.ask(by=alice, text="Why?", dialogue=dialogue),
        questions.ask(by=alice, text="Why?", project=project),
        questions.ask(by=rita, text="Why?", comparison=lease.comparison),
        questions.ask(by=mona, text="Why?", project=project),
    ]
    for question in asked:
        questions.answer(question=question, by=mona, text="So.", for_everybody=False)
    assert told("answered") == [
        ("alice", f"/ranking/{lease.pk}/questions/"),
        ("alice", f"/dialogues/{dialogue.pk}/questions/"),
        ("alice", "/projects/demo/questions/"),
        ("rita", f"/manage/projects/demo/questions/{asked[3].name}/"),
    ]


def test_added_by_somebody_else_and_not_by_following_an_invitation(
    project: Project, stranger: User, mona: User, operator: User
) -> None:
    invitation, _ = invitations.invite(project=project, role="trainer", by=mona)
    invitations.accept(invitation=invitation, user=stranger)
    assert told("invited") == []
    projects.set_membership(project=project, user=operator, role="trainer", by=mona)
    projects.set_membership(project=project, user=operator, role="reviewer", by=mona)
    assert told("invited") == [("olga", "/")]


def test_new_guidelines_to_every_member_but_their_author(
    project: Project, alice: User, bob: User, mona: User, stranger: User
) -> None:
    projects.end_membership(project=project, user=bob)
    projects.publish_guidelines(project=project, text="Be brief.", by=mona)
    projects.publish_guidelines(project=project, text="Be brief.", by=mona)
    assert told("guidelines") == [("alice", "/projects/demo/guidelines/")]


def test_the_days_goal_is_told_once_a_day_however_often_it_is_reached(project: Project, alice: User) -> None:
    project.daily_goal = 2
    project.save()
    makers.make_demonstration(project, alice)
    assert told("goal") == []
    lease = makers.make_lease(makers.make_comparison(project), alice)
    rankings.submit_ranking(assignment=lease, groups=[[cid] for cid in lease.order_shown])
    assert told("goal") == [("alice", "/numbers/")]
    corrections.undo_ranking(assignment=lease)
    rankings.submit_ranking(assignment=lease, groups=[[cid] for cid in lease.order_shown])
    makers.make_demonstration(project, alice)
    assert len(told("goal")) == 1


def test_an_export_that_failed_to_its_managers_once(project: Project, alice: User, mona: User) -> None:
    run = runs.request(project=project, trigger="admin", by=mona, ring=False)
    type(run).objects.filter(pk=run.pk).update(
        state="running", attempts=1, lease_expires_at=timezone.now(), started_at=timezone.now()
    )
    run.refresh_from_db()
    runs.fail(run=run, error="The disk is full.")
    assert told("export_failed") == [], "it is tried again"
    type(run).objects.filter(pk=run.pk).update(state="running", lease_expires_at=timezone.now())
    runs.fail(run=run, error="The disk is full.", final=True)
    runs.fail(run=run, error="The disk is full.", final=True)
    assert told("export_failed") == [("mona", "/manage/projects/demo/exports/")]


def test_a_withdrawal_forgets_what_the_person_was_told_of_the_project(project: Project, alice: User) -> None:
    projects.publish_guidelines(project=project, text="Be brief.")
    assert told("guidelines")
    withdraw(project=project, user=alice)
    assert not told("guidelines")
