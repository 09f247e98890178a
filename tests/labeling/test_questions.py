"""Who may ask, answer and read what; texts, limits, withdrawal."""

from __future__ import annotations

from datetime import datetime

import pytest

from accounts.models import AuditEntry, User
from labeling import projects, questions
from labeling.errors import Blocked, Conflict, Gone, Invalid
from labeling.models import Project, Question
from labeling.quality import reviews
from labeling.withdrawal import WITHDRAWN, withdraw
from screening import rules
from screening.models import Verdict
from tests import makers

pytestmark = pytest.mark.django_db
ASKED, ANSWERED = "Which counts more, truth or length?", "Truth."


def answered(question: Question, by: User, *, all_of_them: bool = False, text: str = ANSWERED) -> Question:
    return questions.answer(question=question, by=by, text=text, for_everybody=all_of_them)


def seen(user: User) -> set[str]:
    return set(questions.visible_to(user).values_list("text", flat=True))


def test_trainers_ask_about_the_guidelines_and_everybody_reads_what_was_answered_for_everybody(
    project: Project, alice: User, bob: User, rita: User, mona: User, guest: User, stranger: User
) -> None:
    question = questions.ask(by=alice, text=f" {ASKED}\r\nAnd why? ", project=project)
    assert question.text == f"{ASKED}\nAnd why?"
    assert question.guideline_version == projects.current_guidelines(project)
    assert [bool(seen(one)) for one in (alice, rita, mona)] == [True] * 3
    assert [bool(seen(one)) for one in (bob, guest, stranger)] == [False] * 3
    answered(question, mona, all_of_them=True)
    assert seen(bob)
    assert [bool(seen(one)) for one in (guest, stranger)] == [False] * 2
    projects.end_membership(project=project, user=bob)
    assert not seen(bob)


def test_a_question_on_a_comparison_is_for_others_only_once_it_is_answered_for_everybody(
    project: Project, alice: User, bob: User, mona: User
) -> None:
    comparison = makers.make_comparison(project, votes=2)
    makers.make_lease(comparison, alice)
    with pytest.raises(Invalid, match="cannot ask"):
        questions.ask(by=bob, text=ASKED, comparison=comparison)  # not given to him
    question = questions.ask(by=alice, text=ASKED, comparison=comparison)
    question = answered(question, mona)
    assert not seen(bob)
    answer = questions.answer(
        question=question, by=mona, text="Truth, for all.", for_everybody=True, instead_of=question.answered_at
    )
    assert seen(bob) == {ASKED}
    assert answer.answer == "Truth, for all."
    assert AuditEntry.objects.filter(action="question.answered", actor=mona).count() == 2


def test_who_may_yet_judge_a_comparison_does_not_read_what_others_ask_of_it(
    project: Project, alice: User, rita: User, mona: User
) -> None:
    comparison = makers.make_comparison(project, votes=3)
    ranking = makers.make_ranking(comparison, alice)
    questions.ask(by=alice, text=ASKED, comparison=comparison)
    assert not seen(rita), "a reviewer who ranks may yet be given it"
    assert seen(mona), "a manager sets the models up and knows them"
    lease = makers.make_lease(comparison, mona)
    assert not seen(mona), "but what a manager has taken as a task is kept from her all the same"
    assert lease.pk
    reviews.leave_to_others(comparison=comparison, reviewer=rita)
    assert seen(rita)
    on_review = questions.ask(by=rita, text="Was it read?", ranking=ranking)
    assert "Was it read?" not in seen(alice)
    with pytest.raises(Invalid, match="others may yet judge"):
        answered(on_review, mona, all_of_them=True)
    answered(on_review, mona)
    assert "Was it read?" not in seen(alice)


def test_who_may_ask_and_answer(project: Project, alice: User, bob: User, guest: User, mona: User) -> None:
    dialogue = makers.make_demonstration(project, alice)
    ranking = makers.make_ranking(makers.make_comparison(project), alice)
    with pytest.raises(Invalid, match="cannot ask"):
        questions.ask(by=guest, text=ASKED, project=project)
    with pytest.raises(Invalid, match="cannot ask"):
        questions.ask(by=bob, text=ASKED, dialogue=dialogue)
    with pytest.raises(Invalid, match="cannot ask"):
        questions.ask(by=alice, text=ASKED, ranking=ranking)
    with pytest.raises(Invalid, match="about one thing"):
        questions.ask(by=alice, text=ASKED)
    question = questions.ask(by=alice, text=ASKED, dialogue=dialogue)
    with pytest.raises(Invalid, match="Only a manager"):
        answered(question, alice)
    projects.end_membership(project=project, user=alice)
    with pytest.raises(Invalid, match="cannot ask"):
        questions.ask(by=alice, text=ASKED, project=project)


@pytest.mark.parametrize("text", ["", " \n", "\u200b\u2060", "a\x00b", "a\ud800b", "x" * 4001])
def test_texts_that_are_not_taken(project: Project, alice: User, mona: User, text: str) -> None:
    with pytest.raises(Invalid):
        questions.ask(by=alice, text=text, project=project)
    question = questions.ask(by=alice, text=ASKED, project=project)
    with pytest.raises(Invalid):
        answered(question, mona, text=text)
    assert Question.objects.get().answer == ""


def test_a_person_has_at_most_fifty_questions_open(project: Project, alice: User, mona: User) -> None:
    for number in range(questions.MOST_OPEN):
        question = questions.ask(by=alice, text=f"{ASKED} {number}", project=project)
    with pytest.raises(Invalid, match="50 questions"):
        questions.ask(by=alice, text=ASKED, project=project)
    answered(question, mona)
    questions.ask(by=alice, text=ASKED, project=project)


def test_an_answer_replaces_only_the_one_that_was_read(project: Project, alice: User, mona: User) -> None:
    question = answered(questions.ask(by=alice, text=ASKED, project=project), mona)
    for stale in (None, datetime.fromisoformat("2020-01-01T00:00:00+00:00")):
        with pytest.raises(Conflict):
            questions.answer(question=question, by=mona, text="No.", for_everybody=False, instead_of=stale)
    with pytest.raises(Gone):
        questions.take_back(question=question, by=alice)


def test_a_question_is_taken_back_by_who_asked_and_by_nobody_else(project: Project, alice: User, bob: User) -> None:
    question = questions.ask(by=alice, text=ASKED, project=project)
    with pytest.raises(Gone):
        questions.take_back(question=question, by=bob)
    questions.take_back(question=question, by=alice)
    assert not Question.objects.exists()


def test_what_the_content_filter_blocks_is_not_sent(project: Project, alice: User) -> None:
    rules.set_threshold(project=project.pk, filter="patterns", category="violence", warn_at=0.3, block_at=0.8)
    with pytest.raises(Blocked):
        questions.ask(by=alice, text="I will kill you tomorrow.", project=project)
    assert not Question.objects.exists()
    assert Verdict.objects.filter(author_id=alice.pk).exists()


def test_a_withdrawal_empties_questions_with_their_answers_and_what_the_person_answered(
    project: Project, alice: User, bob: User, mona: User
) -> None:
    answered(questions.ask(by=alice, text=ASKED, project=project), mona, all_of_them=True)
    questions.ask(by=alice, text="And this one?", project=project)
    bobs = questions.ask(by=bob, text="Bob's.", project=project)
    projects.set_membership(project=project, user=alice, role="manager")
    answered(bobs, alice, all_of_them=True, text="Said alice.")
    projects.set_membership(project=project, user=alice, role="trainer")
    assert withdraw(project=project, user=alice)["questions"] == 3
    assert seen(bob) == seen(mona) == {"Bob's."}
    assert questions.visible_to(bob).get().answer == WITHDRAWN
    texts = Question.objects.values_list("text", "answer")
    assert sorted(texts) == [("Bob's.", WITHDRAWN), (WITHDRAWN, ""), (WITHDRAWN, WITHDRAWN)]
