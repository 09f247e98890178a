"""Calibration items and repeats look like any other task; drift is counted over them."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from labeling import leases, rankings
from labeling.errors import Invalid
from labeling.models import Assignment, Project, Ranking
from labeling.quality import drift, hidden
from tests import makers
from tests.labeling.makers import answer, make_original, settings_of

pytestmark = pytest.mark.django_db


def test_a_calibration_item_is_handed_out_in_its_share_and_looks_like_any_other(
    project: Project, alice: User, bob: User
) -> None:
    original = make_original(project, bob)
    settings_of(project, calibration_share=1.0)
    assert hidden.keep_hidden() == 2  # alice and bob
    assert hidden.keep_hidden() == 0
    assignment, new = leases.lease_next(project=project, trainer=alice)
    assert new
    assert assignment is not None
    item = assignment.comparison
    assert (item.kind, item.only_for, item.repeat_of) == ("calibration", alice, original)
    theirs = {str(c.completion_id) for c in original.candidates.all()}
    assert theirs.isdisjoint(assignment.order_shown)
    assert [len(group) for group in item.known_groups or []] == [1, 1, 1, 1]

    normal = makers.make_lease(makers.make_comparison(project), bob)
    settings_of(project, undo_minutes=0)  # what bob ranked before is not offered to be taken back
    pages = []
    for user, lease in ((alice, assignment), (bob, normal)):
        client = Client()
        client.force_login(user)
        text = client.get(reverse("ranking", args=[lease.pk])).content.decode()
        assert "calibration" not in text.lower()
        pages.append([line.split("=")[0] for line in text.split() if "=" in line and "csrf" not in line])
    assert pages[0] == pages[1]  # the same attributes in the same places


def test_the_api_answers_alike_for_hidden_and_ordinary_items(project: Project, alice: User, bob: User) -> None:
    from accounts import tokens

    make_original(project, bob)
    settings_of(project, calibration_share=1.0)
    hidden.keep_hidden()
    makers.make_comparison(project)
    shapes = []
    for user, share in ((alice, 1.0), (bob, 0.0)):
        settings_of(project, calibration_share=share)
        client = Client(headers={"Authorization": f"Bearer {tokens.create(user=user)}"})
        answer = client.post(
            f"/api/v1/projects/{project.slug}/assignments/", json.dumps({"task": "ranking"}), "application/json"
        )
        assert answer.status_code == 201
        body = answer.json()
        shapes.append(
            (sorted(body), sorted(body["comparison"]), [sorted(c) for c in body["comparison"]["completions"]])
        )
    kinds = set(Assignment.objects.filter(state="leased").values_list("comparison__kind", flat=True))
    assert kinds == {"calibration", "normal"}
    assert shapes[0] == shapes[1]


def test_without_a_prepared_item_the_trainer_gets_an_ordinary_one(project: Project, alice: User) -> None:
    settings_of(project, calibration_share=1.0)
    makers.make_comparison(project)
    assignment, _ = leases.lease_next(project=project, trainer=alice)
    assert assignment is not None
    assert assignment.comparison.kind == "normal"


def test_originals_are_never_handed_out_and_least_used_ones_come_first(
    project: Project, alice: User, bob: User
) -> None:
    first, second = make_original(project, bob), make_original(project, bob)
    settings_of(project, calibration_share=1.0)
    seen = []
    for _ in range(2):
        hidden.keep_hidden()
        assignment, _ = leases.lease_next(project=project, trainer=alice)
        assert assignment is not None
        seen.append(assignment.comparison.repeat_of)
        answer(assignment)
    assert set(seen) == {first, second}
    assert not Assignment.objects.filter(comparison__in=[first, second]).exists()


def test_an_own_vote_comes_back_as_a_repeat_and_is_matched_to_the_first(project: Project, alice: User) -> None:
    for _ in range(hidden.REPEAT_AFTER + 1):
        makers.make_ranking(makers.make_comparison(project), alice)
    settings_of(project, repeat_share=1.0)
    hidden.keep_hidden()
    assignment, _ = leases.lease_next(project=project, trainer=alice)
    assert assignment is not None
    assert assignment.comparison.kind == "repeat"
    first = Ranking.objects.get(comparison=assignment.comparison.repeat_of, trainer=alice)
    texts = {str(c.completion_id): c.completion.text for c in first.comparison.candidates.all()}
    names = {c.completion.text: str(c.completion_id) for c in assignment.comparison.candidates.all()}
    rankings.submit_ranking(
        assignment=assignment, groups=[[names[texts[cid]] for cid in group] for group in first.groups]
    )
    [(before, again)] = drift.intra_rater_pairs(project, alice)
    assert before == again == first.groups


def test_hidden_items_stay_out_of_the_review_queue(project: Project, alice: User, bob: User) -> None:
    make_original(project, bob)
    settings_of(project, calibration_share=1.0, review_rules={"random_share": 1.0})
    hidden.keep_hidden()
    assignment, _ = leases.lease_next(project=project, trainer=alice)
    assert assignment is not None
    assert not hasattr(answer(assignment), "review_item")


def test_drift_counts_every_item_once_and_rings_on_a_fall(project: Project, alice: User, bob: User) -> None:
    make_original(project, bob)
    settings_of(project, calibration_share=1.0, exam={"threshold": 1.2})
    for number in range(6):
        hidden.keep_hidden()
        assignment, _ = leases.lease_next(project=project, trainer=alice)
        assert assignment is not None
        answer(assignment, as_known=number < 4)
    found = drift.drift_of(project, alice)
    assert (found.n, found.right) == (6, 4)
    assert found.alarm_at == 6
    assert drift.drift_of(project, bob).n == 0


def test_an_item_needs_a_ranking_that_orders(project: Project, alice: User) -> None:
    tied = makers.make_ranking(makers.make_comparison(project), alice, groups=[[0, 1, 2, 3]])
    with pytest.raises(Invalid, match="orders nothing"):
        hidden.make_original(ranking=tied, kind="calibration")
    with pytest.raises(Invalid, match="calibration or for the exam"):
        hidden.make_original(ranking=tied, kind="normal")


def test_hidden_items_expire_like_any_other(project: Project, alice: User, bob: User) -> None:
    make_original(project, bob)
    settings_of(project, calibration_share=1.0)
    hidden.keep_hidden()
    assignment, _ = leases.lease_next(project=project, trainer=alice)
    assert assignment is not None
    Assignment.objects.filter(pk=assignment.pk).update(expires_at=timezone.now() - timedelta(minutes=1))
    assert leases.expire_leases() == 1
