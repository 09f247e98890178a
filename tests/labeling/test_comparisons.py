from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from labeling import comparisons, leases
from labeling.errors import Conflict, Gone, Invalid, NeedsConfirmation
from labeling.models import Assignment, Comparison, Dialogue, Project, Ranking
from tests import makers

pytestmark = pytest.mark.django_db


def singles(assignment):
    return [[cid] for cid in sorted(assignment.order_shown)]


def expire(assignment) -> int:
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
    assignment, _ = leases.lease_next(project=project, trainer=bob)
    comparisons.skip(assignment=assignment, reason="not my language")
    assert leases.lease_next(project=project, trainer=bob) == (None, False)


def test_a_guest_and_a_stranger_get_no_lease(project: Project, guest: User, stranger: User) -> None:
    for person in (guest, stranger):
        with pytest.raises(Invalid):
            leases.lease_next(project=project, trainer=person)


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
    first, created = comparisons.submit_ranking(assignment=assignment, groups=groups)
    again, created_again = comparisons.submit_ranking(assignment=assignment, groups=groups)
    assert (first, created, created_again) == (again, True, False)
    with pytest.raises(Conflict):
        comparisons.submit_ranking(assignment=assignment, groups=groups[::-1])


def test_an_untouched_screen_is_refused(project: Project, alice: User) -> None:
    assignment = makers.make_lease(makers.make_comparison(project), alice)
    with pytest.raises(Invalid, match="nobody touched"):
        comparisons.submit_ranking(assignment=assignment)


def test_none_is_rankable_takes_a_reason_and_no_order(project: Project, alice: User) -> None:
    assignment = makers.make_lease(makers.make_comparison(project), alice)
    with pytest.raises(Invalid, match="Either"):
        comparisons.submit_ranking(assignment=assignment, groups=singles(assignment), not_rankable="all bad")
    ranking, _ = comparisons.submit_ranking(assignment=assignment, not_rankable="all bad")
    assert (ranking.groups, ranking.not_rankable) == ([], "all bad")


def test_a_contradiction_is_asked_about_once_and_stored_as_such(project: Project, alice: User) -> None:
    assignment = makers.make_lease(makers.make_comparison(project, k=2), alice)
    above, below = assignment.order_shown
    judgement = {"groups": [[above], [below]], "ratings": {above: 3, below: 6}}
    with pytest.raises(NeedsConfirmation) as caught:
        comparisons.submit_ranking(assignment=assignment, **judgement)
    assert caught.value.pairs == [(above, below)]
    ranking, _ = comparisons.submit_ranking(assignment=assignment, confirmed=True, **judgement)
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
def test_what_names_something_else_is_refused(project: Project, alice: User, wrong) -> None:
    assignment = makers.make_lease(makers.make_comparison(project), alice)
    with pytest.raises(Invalid):
        comparisons.submit_ranking(assignment=assignment, groups=singles(assignment), **wrong)


def test_ratings_flags_and_strengths_are_stored_as_given(project: Project, alice: User) -> None:
    project.ask_strength = True
    project.save()
    assignment = makers.make_lease(makers.make_comparison(project, k=3), alice)
    a, b, c = assignment.order_shown
    ranking, _ = comparisons.submit_ranking(
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
    assert ranking.ideal_answer.turns.order_by("-position").first().text == "As it should be."
    assert ranking.ideal_answer.split == comparison.split


def test_an_expired_lease_frees_its_vote_and_keeps_its_draft(project: Project, alice: User, bob: User) -> None:
    comparison = makers.make_comparison(project)
    assignment = makers.make_lease(comparison, alice)
    comparisons.save_draft(assignment=assignment, draft={"note": "half done"}, expected_version=0)
    assert expire(assignment) == 1
    revived, created = leases.lease_next(project=project, trainer=alice)
    assert (revived.pk, created, revived.draft) == (assignment.pk, False, {"note": "half done"})
    expire(assignment)
    other, created = leases.lease_next(project=project, trainer=bob)
    assert created
    assert other.comparison_id == comparison.pk


def test_a_late_ranking_counts_while_a_vote_is_free_and_is_surplus_otherwise(
    project: Project, alice: User, bob: User
) -> None:
    comparison = makers.make_comparison(project)
    late = makers.make_lease(comparison, alice)
    expire(late)
    makers.make_ranking(comparison, bob)
    ranking, _ = comparisons.submit_ranking(assignment=late, groups=singles(late))
    assert ranking.kind == "surplus"
    comparison = makers.make_comparison(project)
    late = makers.make_lease(comparison, alice)
    expire(late)
    ranking, _ = comparisons.submit_ranking(assignment=late, groups=singles(late))
    assert ranking.kind == "vote"
    comparison.refresh_from_db()
    assert comparison.state == "closed"


def test_two_tabs_saving_drafts_are_told_apart(project: Project, alice: User) -> None:
    assignment = makers.make_lease(makers.make_comparison(project), alice)
    assert comparisons.save_draft(assignment=assignment, draft={"note": "1"}, expected_version=0) == 1
    with pytest.raises(Conflict) as caught:
        comparisons.save_draft(assignment=assignment, draft={"note": "2"}, expected_version=0)
    assert caught.value.version == 1
    assignment.refresh_from_db()
    assert assignment.draft == {"note": "1"}


def test_undo_dates_the_ranking_and_leases_the_task_with_its_content(project: Project, alice: User) -> None:
    comparison = makers.make_comparison(project)
    ranking = makers.make_ranking(comparison, alice, note="hm")
    assignment = comparisons.undo_ranking(assignment=ranking.assignment)
    ranking.refresh_from_db()
    comparison.refresh_from_db()
    assert ranking.undone_at is not None
    assert (assignment.state, assignment.draft["note"], comparison.state) == ("leased", "hm", "open")
    second, created = comparisons.submit_ranking(assignment=assignment, groups=singles(assignment)[::-1])
    assert created
    assert second.pk != ranking.pk
    assert Ranking.objects.in_force().get() == second


def test_undo_is_refused_after_its_minutes(project: Project, alice: User) -> None:
    ranking = makers.make_ranking(makers.make_comparison(project), alice)
    Ranking.objects.update(submitted_at=timezone.now() - timedelta(minutes=11))
    with pytest.raises(Gone):
        comparisons.undo_ranking(assignment=ranking.assignment)


def test_undo_takes_the_ideal_answer_back_too(project: Project, alice: User) -> None:
    project.ask_ideal_answer = True
    project.save()
    ranking = makers.make_ranking(makers.make_comparison(project), alice, ideal_answer="As it should be.")
    assignment = comparisons.undo_ranking(assignment=ranking.assignment)
    assert assignment.draft["ideal_answer"] == "As it should be."
    assert Dialogue.objects.get(source="ideal answer").undone_at is not None


def test_own_completions_brought_twice_are_one_comparison(project: Project) -> None:
    prompt = [{"role": "user", "content": "Why?"}]
    texts = [{"text": "Because.", "model_version": "m"}, {"text": "Why not?", "model_version": ""}]
    first, created = comparisons.bring(project=project, prompt=prompt, completions=texts)
    again, created_again = comparisons.bring(project=project, prompt=prompt, completions=texts[::-1])
    assert (first, created, created_again) == (again, True, False)
    with pytest.raises(Invalid, match="equal"):
        comparisons.bring(project=project, prompt=prompt, completions=[{"text": "a"}, {"text": " a "}])


def test_the_database_itself_refuses_a_second_holder_of_a_vote(project: Project, alice: User, bob: User) -> None:
    comparison = makers.make_comparison(project)
    makers.make_lease(comparison, alice)
    now = timezone.now()
    with pytest.raises(IntegrityError), transaction.atomic():
        Assignment.objects.create(
            comparison=comparison, trainer=bob, slot=0, order_shown=[], order_seed=1, heartbeat_at=now, expires_at=now
        )


def test_a_discarded_comparison_takes_no_more_work(project: Project, alice: User) -> None:
    comparison = makers.make_comparison(project)
    assignment = makers.make_lease(comparison, alice)
    assert comparisons.discard(comparison=comparison, reason="Withdrawn.")
    with pytest.raises(Gone):
        comparisons.submit_ranking(assignment=assignment, groups=singles(assignment))
    assert Comparison.objects.get().discard_reason == "Withdrawn."
