"""What a trainer submits and takes back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from labeling import assignments, rankings
from labeling.errors import Conflict, Gone, Invalid, NeedsConfirmation
from labeling.judgements import Said
from labeling.models import Assignment, Dialogue, Project, Ranking
from labeling.offering import Avoided
from labeling.quality import exams
from tests import makers
from tests.labeling.makers import undo

pytestmark = pytest.mark.django_db


def singles(assignment: Assignment) -> list[list[str]]:
    return [[cid] for cid in sorted(assignment.order_shown)]


def test_a_ranking_closes_the_comparison_when_it_has_its_votes(project: Project, alice: User, bob: User) -> None:
    comparison = makers.make_comparison(project, votes=2)
    makers.make_ranking(comparison, alice)
    comparison.refresh_from_db()
    assert comparison.state == "open"
    makers.make_ranking(comparison, bob)
    comparison.refresh_from_db()
    assert comparison.state == "closed"


def test_the_same_submission_twice_is_one_ranking_and_another_is_a_conflict(project: Project, alice: User) -> None:
    assignment = makers.make_lease(makers.make_comparison(project), alice)
    groups = singles(assignment)
    first, created = rankings.submit_ranking(assignment=assignment, groups=groups)
    again, created_again = rankings.submit_ranking(assignment=assignment, groups=groups)
    assert (first, created, created_again) == (again, True, False)
    with pytest.raises(Conflict):
        rankings.submit_ranking(assignment=assignment, groups=groups[::-1])


def test_an_untouched_screen_is_refused(project: Project, alice: User) -> None:
    assignment = makers.make_lease(makers.make_comparison(project), alice)
    with pytest.raises(Invalid, match="Give every completion a place"):
        rankings.submit_ranking(assignment=assignment)


def test_none_is_rankable_takes_a_reason_and_no_order(project: Project, alice: User) -> None:
    assignment = makers.make_lease(makers.make_comparison(project), alice)
    with pytest.raises(Invalid, match="Either"):
        rankings.submit_ranking(assignment=assignment, groups=singles(assignment), not_rankable="all bad")
    ranking, _ = rankings.submit_ranking(assignment=assignment, not_rankable="all bad")
    assert (ranking.groups, ranking.not_rankable) == ([], "all bad")


def test_a_contradiction_is_asked_about_once_and_stored_as_such(project: Project, alice: User) -> None:
    assignment = makers.make_lease(makers.make_comparison(project, k=2), alice)
    above, below = assignment.order_shown
    judgement: Said = {"groups": [[above], [below]], "ratings": {above: 3, below: 6}}
    with pytest.raises(NeedsConfirmation) as caught:
        rankings.submit_ranking(assignment=assignment, **judgement)
    assert caught.value.pairs == [(above, below)]
    judgement["confirmed"] = True
    ranking, _ = rankings.submit_ranking(assignment=assignment, **judgement)
    assert ranking.contradiction_confirmed


@pytest.mark.parametrize(
    "wrong",
    [
        {"ratings": {"x": 3}},
        {"ratings": "abc"},
        {"flags": {"x": ["too verbose"]}},
        {"note": "nul \x00"},
    ],
)
def test_what_names_something_else_is_refused(project: Project, alice: User, wrong: Said) -> None:
    assignment = makers.make_lease(makers.make_comparison(project), alice)
    wrong["groups"] = singles(assignment)
    with pytest.raises(Invalid):
        rankings.submit_ranking(assignment=assignment, **wrong)


def test_ratings_flags_and_strengths_are_stored_as_given(project: Project, alice: User) -> None:
    project.ask_strength = True
    project.save()
    assignment = makers.make_lease(makers.make_comparison(project, k=3), alice)
    a, b, c = assignment.order_shown
    ranking, _ = rankings.submit_ranking(
        assignment=assignment,
        groups=[[c], [a, b]],
        ratings={a: 2, b: 2, c: 7},
        flags={a: ["too verbose", "hallucination"]},
        strengths=[4],
        note="c by far",
    )
    assert ranking.groups == [[c], sorted([a, b])]
    assert ranking.flags == {a: ["hallucination", "too verbose"]}
    assert ranking.strengths == [4]


def test_an_ideal_answer_becomes_a_demonstration(project: Project, alice: User) -> None:
    project.ask_ideal_answer = True
    project.save()
    comparison = makers.make_comparison(project)
    ranking = makers.make_ranking(comparison, alice, ideal_answer="As it should be.")
    assert ranking.ideal_answer is not None
    assert ranking.ideal_answer.turns.order_by("-position").values_list("text", flat=True)[0] == "As it should be."
    assert ranking.ideal_answer.split == comparison.split


def test_undo_dates_the_ranking_and_leases_the_task_with_its_content(project: Project, alice: User) -> None:
    comparison = makers.make_comparison(project)
    ranking = makers.make_ranking(comparison, alice, note="hm")
    assignment = undo(ranking)
    ranking.refresh_from_db()
    comparison.refresh_from_db()
    assert ranking.undone_at is not None
    assert (assignment.state, assignment.draft["note"], comparison.state) == ("leased", "hm", "open")
    second, created = rankings.submit_ranking(assignment=assignment, groups=singles(assignment)[::-1])
    assert created
    assert second.pk != ranking.pk
    assert Ranking.objects.in_force().get() == second


def test_undo_is_refused_after_its_minutes(project: Project, alice: User) -> None:
    ranking = makers.make_ranking(makers.make_comparison(project), alice)
    Ranking.objects.update(submitted_at=timezone.now() - timedelta(minutes=11))
    with pytest.raises(Gone):
        undo(ranking)


def test_undo_takes_the_ideal_answer_back_too(project: Project, alice: User) -> None:
    project.ask_ideal_answer = True
    project.save()
    ranking = makers.make_ranking(makers.make_comparison(project), alice, ideal_answer="As it should be.")
    assignment = undo(ranking)
    assert assignment.draft["ideal_answer"] == "As it should be."
    assert Dialogue.objects.get(source="ideal answer").undone_at is not None


def test_a_submission_brings_the_next_task_and_stands_where_none_may_follow(
    project: Project, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (makers.make_comparison(project) for _ in range(2))
    task = makers.make_lease(first, alice)
    done = rankings.submit_and_lease_next(assignment=task, trainer=alice, groups=singles(task))
    assert done.following is not None
    assert (done.following.comparison, done.none_left) == (second, "")

    def failed(project: Project, trainer: User, avoided: Avoided) -> tuple[str, ...]:
        raise Invalid("You did not pass the entry exam.")

    monkeypatch.setattr(exams, "kinds_open_to", failed)
    done = rankings.submit_and_lease_next(assignment=done.following, trainer=alice, groups=singles(done.following))
    assert (done.following, done.none_left) == (None, "You did not pass the entry exam.")
    assert Ranking.objects.in_force().filter(trainer=alice).count() == 2


def test_a_submission_from_a_tab_that_was_overtaken_stores_nothing(project: Project, alice: User) -> None:
    task = makers.make_lease(makers.make_comparison(project), alice)
    assignments.save_draft(assignment=task, draft={"note": "in the other tab"})
    with pytest.raises(Conflict, match="another tab"):
        rankings.submit_and_lease_next(assignment=task, trainer=alice, expected_version=0, groups=singles(task))
    assert not Ranking.objects.exists()
