"""The entry exam, and practice."""

from __future__ import annotations

import pytest

from accounts.models import User
from labeling import leases
from labeling.errors import Invalid
from labeling.models import Comparison, Project
from labeling.quality import exams, hidden
from tests import makers
from tests.labeling.makers import answer, make_original, settings_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def exam(project: Project, bob: User) -> Project:
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


def test_a_newcomer_ranks_the_exam_first_and_goes_on_after_passing(exam: Project, alice: User) -> None:
    assert exams.exam_standing(exam, alice).state == "open"
    sit(exam, alice, as_known=True)
    standing = exams.exam_standing(exam, alice)
    assert (standing.state, standing.pairs_right) == ("passed", 1.0)
    assignment, _ = leases.lease_next(project=exam, trainer=alice)
    assert assignment is not None
    assert assignment.comparison.kind == "normal"


def test_whoever_fails_every_attempt_is_told_so_and_gets_no_work(exam: Project, alice: User) -> None:
    sit(exam, alice, as_known=False)
    assert exams.exam_standing(exam, alice).state == "open"  # one more attempt
    sit(exam, alice, as_known=False)
    assert exams.exam_standing(exam, alice).state == "failed"
    with pytest.raises(Invalid, match="did not pass"):
        leases.lease_next(project=exam, trainer=alice)


def test_a_second_attempt_can_pass(exam: Project, alice: User) -> None:
    sit(exam, alice, as_known=False)
    sit(exam, alice, as_known=True)
    assert exams.exam_standing(exam, alice).state == "passed"


def test_reviewers_and_projects_without_items_need_no_exam(exam: Project, alice: User, rita: User) -> None:
    assert exams.exam_standing(exam, rita).state == "not_needed"
    Comparison.objects.filter(kind="exam", only_for__isnull=True).update(state="discarded", discard_reason="x")
    assert exams.exam_standing(exam, alice).state == "not_needed"


def test_demonstrations_wait_for_their_grades_and_pass_at_the_mark(exam: Project, alice: User, rita: User) -> None:
    from labeling.quality import reviews

    settings_of(exam, exam={**exam.exam, "demonstrations": 1, "pass_grade": 6})
    sit(exam, alice, as_known=True)
    assert exams.exam_standing(exam, alice).state == "waiting"
    demonstration = makers.make_demonstration(exam, alice)
    assert "exam" in demonstration.review_item.reasons
    reviews.decide(reviewer=rita, decision="accepted", dialogue=demonstration, grade=6)
    standing = exams.exam_standing(exam, alice)
    assert (standing.state, standing.grade) == ("passed", 6)


def test_practice_is_no_exam_and_shows_its_explanation_afterwards(exam: Project, alice: User, bob: User) -> None:
    make_original(exam, bob, kind="exam", practice=True, explanation="A is right, B guesses.")
    item = exams.next_practice(project=exam, trainer=alice)
    assert item is not None
    assert exams.next_practice(project=exam, trainer=alice) == item
    answer(leases.lease(comparison=item, trainer=alice))
    [done] = exams.practised(exam, alice)
    assert done.comparison.explanation == "A is right, B guesses."
    assert exams.exam_standing(exam, alice).done == 0
