"""Overlap, hidden items, the exam and drift."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from labeling import comparisons, leases
from labeling.errors import Invalid
from labeling.models import Assignment, Comparison, Project, Ranking
from labeling.quality import drift, exams, hidden
from tests import makers

pytestmark = pytest.mark.django_db


def settings_of(project: Project, **values) -> None:
    for name, value in values.items():
        setattr(project, name, value)
    project.save(update_fields=list(values))


def answer(assignment: Assignment, *, as_known: bool = True) -> Ranking:
    """Rank a hidden item as its original orders it, or the other way round."""
    known = assignment.comparison.known_groups
    assert known is not None
    groups = known if as_known else known[::-1]
    return comparisons.submit_ranking(assignment=assignment, groups=groups, seconds=60)[0]


def make_original(project: Project, trainer, kind="calibration", **options):
    return hidden.make_original(
        ranking=makers.make_ranking(makers.make_comparison(project), trainer), kind=kind, **options
    )


# -- overlap --


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


# -- hidden items --


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
    comparisons.submit_ranking(
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


# -- drift --


def test_drift_counts_every_known_pair_and_rings_on_a_fall(project: Project, alice: User, bob: User) -> None:
    make_original(project, bob)
    settings_of(project, calibration_share=1.0)
    for number in range(6):
        hidden.keep_hidden()
        assignment, _ = leases.lease_next(project=project, trainer=alice)
        assert assignment is not None
        answer(assignment, as_known=number < 4)
    found = drift.drift_of(project, alice)
    assert (found.n, found.right) == (36, 24)
    assert found.alarm_at == 34
    assert drift.drift_of(project, bob).n == 0


# -- exam --


@pytest.fixture
def exam(project: Project, bob: User):
    settings_of(project, exam={"required": True, "items": 2, "pass_pairs": 0.75, "attempts": 2})
    bobs = [makers.make_ranking(makers.make_comparison(project), bob) for _ in range(2)]
    for ranking in bobs:
        hidden.make_original(ranking=ranking, kind="exam", explanation="Because.")
    makers.make_comparison(project)
    return project


def sit(project: Project, user: User, *, as_known: bool) -> None:
    for _ in range(2):
        assignment, _ = leases.lease_next(project=project, trainer=user)
        assert assignment is not None
        assert assignment.comparison.kind == "exam"
        answer(assignment, as_known=as_known)


def test_a_newcomer_ranks_the_exam_first_and_goes_on_after_passing(exam, alice: User) -> None:
    assert exams.exam_standing(exam, alice).state == "open"
    sit(exam, alice, as_known=True)
    standing = exams.exam_standing(exam, alice)
    assert (standing.state, standing.pairs_right) == ("passed", 1.0)
    assignment, _ = leases.lease_next(project=exam, trainer=alice)
    assert assignment is not None
    assert assignment.comparison.kind == "normal"


def test_whoever_fails_every_attempt_is_told_so_and_gets_no_work(exam, alice: User) -> None:
    sit(exam, alice, as_known=False)
    assert exams.exam_standing(exam, alice).state == "open"  # one more attempt
    sit(exam, alice, as_known=False)
    assert exams.exam_standing(exam, alice).state == "failed"
    with pytest.raises(Invalid, match="did not pass"):
        leases.lease_next(project=exam, trainer=alice)


def test_a_second_attempt_can_pass(exam, alice: User) -> None:
    sit(exam, alice, as_known=False)
    sit(exam, alice, as_known=True)
    assert exams.exam_standing(exam, alice).state == "passed"


def test_reviewers_and_projects_without_items_need_no_exam(exam, alice: User, rita: User) -> None:
    assert exams.exam_standing(exam, rita).state == "not_needed"
    Comparison.objects.filter(kind="exam", only_for__isnull=True).update(state="discarded", discard_reason="x")
    assert exams.exam_standing(exam, alice).state == "not_needed"


def test_demonstrations_wait_for_their_grades_and_pass_at_the_mark(exam, alice: User, rita: User) -> None:
    from labeling.quality import reviews

    settings_of(exam, exam={**exam.exam, "demonstrations": 1, "pass_grade": 6})
    sit(exam, alice, as_known=True)
    assert exams.exam_standing(exam, alice).state == "waiting"
    demonstration = makers.make_demonstration(exam, alice)
    assert "exam" in demonstration.review_item.reasons
    reviews.decide(reviewer=rita, decision="accepted", dialogue=demonstration, grade=6)
    standing = exams.exam_standing(exam, alice)
    assert (standing.state, standing.grade) == ("passed", 6)


def test_practice_is_no_exam_and_shows_its_explanation_afterwards(exam, alice: User, bob: User) -> None:
    make_original(exam, bob, kind="exam", practice=True, explanation="A is right, B guesses.")
    item = exams.next_practice(project=exam, trainer=alice)
    assert item is not None
    assert exams.next_practice(project=exam, trainer=alice) == item
    answer(leases.lease(comparison=item, trainer=alice))
    [done] = exams.practised(exam, alice)
    assert done.comparison.explanation == "A is right, B guesses."
    assert exams.exam_standing(exam, alice).done == 0


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
