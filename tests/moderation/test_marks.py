"""Whoever sees a text says what the filter got wrong: on the ranking page, on a review, on a dialogue."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User
from labeling import comparisons, dialogues, rankings, suggestions, turns
from labeling.models import Assignment, Project
from moderation.models import Verdict, VerdictFeedback
from sampler.models import Completion
from screening import rules
from tests import makers

pytestmark = pytest.mark.django_db
BAD = "I will kill you tomorrow."
ANSWERS = [{"text": BAD}, {"text": "I will rest."}, {"text": "I will read."}]


@pytest.fixture
def task(project: Project, alice: User) -> Assignment:
    question = [{"role": "user", "content": "What will you do?"}]
    made, _ = comparisons.bring(project=project, prompt=question, completions=ANSWERS)
    return makers.make_lease(made, alice)


def letter_of(task: Assignment, text: str) -> str:
    cid = next(cid for cid, said in task.comparison.texts.items() if said == text)
    return "ABC"[task.order_shown.index(cid)]


def test_a_warned_completion_is_marked_wrong_from_its_card(client: Client, alice: User, task: Assignment) -> None:
    client.force_login(alice)
    page = client.get(f"/ranking/{task.pk}/").content.decode()
    warning = Verdict.objects.get(action="warn")
    assert "The content filter warns of this text: violence." in page
    assert f'hx-post="/content/{warning.pk}/"' in page
    answer = client.post(f"/content/{warning.pk}/", {"harmful": "0"}, HTTP_HX_REQUEST="true", HTTP_HX_TARGET="harm")
    assert 'id="harm-title"' in answer.content.decode()
    assert VerdictFeedback.objects.get().harmful is False


def test_the_panel_offers_every_text_of_the_ranking_page_and_the_warnings(
    client: Client, alice: User, task: Assignment
) -> None:
    client.force_login(alice)
    shown = client.get(f"/content/ranking/{task.pk}/?text=B").content.decode()
    for name in ("Completion A", "Completion B", "Completion C", "Prompt"):
        assert name in shown
    assert '<option value="B" selected>' in shown
    assert shown.count("Wrongly flagged") == 1
    marked = letter_of(task, "I will rest.")
    client.post(f"/content/ranking/{task.pk}/", {"text": marked, "category": "hate", "comment": "Look."})
    mark = VerdictFeedback.objects.get()
    assert (mark.harmful, mark.category, mark.comment, mark.user) == (True, "hate", "Look.", alice)
    assert str(mark.verdict.target_id) == task.order_shown["ABC".index(marked)]
    client.post(f"/content/ranking/{task.pk}/", {"text": "prompt", "category": "other"})
    assert VerdictFeedback.objects.get(category="other").verdict.target_id == task.comparison_id
    assert client.post(f"/content/ranking/{task.pk}/", {"text": "Z", "category": "other"}).status_code == 422


def test_a_reviewer_marks_under_the_letters_of_the_ranking(
    client: Client, project: Project, alice: User, rita: User, task: Assignment
) -> None:
    ranking, _ = rankings.submit_ranking(assignment=task, groups=[[cid] for cid in task.order_shown])
    client.force_login(rita)
    page = client.get(f"/review/rankings/{ranking.pk}/?order=1").content.decode()
    assert f"/content/review/{ranking.pk}/" in page
    assert "The content filter warns of this text: violence." in page
    client.post(f"/content/review/{ranking.pk}/", {"text": letter_of(task, BAD), "category": "violence"})
    mark = VerdictFeedback.objects.get()
    assert (mark.harmful, mark.user, mark.verdict.action) == (True, rita, "warn")


def test_a_reviewer_marks_a_turn_of_a_dialogue_and_sees_its_warning(
    client: Client, project: Project, alice: User, rita: User
) -> None:
    made = makers.make_demonstration(project, alice, question=BAD)
    client.force_login(rita)
    page = client.get(f"/review/dialogues/{made.pk}/").content.decode()
    assert "The content filter warns of this text: violence." in page
    assert f"/content/dialogues/{made.pk}/" in page
    client.post(f"/content/dialogues/{made.pk}/", {"text": "2", "category": "harassment"})
    mark = VerdictFeedback.objects.get()
    assert mark.verdict.target_id == made.turns.get(position=1).pk


def test_a_text_that_no_filter_read_is_marked_on_a_verdict_of_nobody(
    client: Client, project: Project, alice: User, task: Assignment
) -> None:
    rules.choose_filters(project=project.pk, filters=[], when_down="wait")
    Verdict.objects.all().delete()
    client.force_login(alice)
    client.post(f"/content/ranking/{task.pk}/", {"text": "A", "category": "hate"})
    assert VerdictFeedback.objects.get().verdict.filter == "none"


def test_a_trainer_marks_a_suggestion_that_is_shown_for_the_next_turn(
    client: Client, project: Project, alice: User
) -> None:
    draft = dialogues.start_dialogue(project=project, author=alice, kind="demonstration")
    turns.add_turn(dialogue=draft, role="user", text="What will you do?")
    [asked] = suggestions.request_suggestions(dialogue=draft, role="assistant", n=2)
    makers.answer(asked, "I will rest.", "I will read.")
    turns.save_composer(dialogue=draft, composer={"role": "assistant", "requests": [str(asked.pk)]})
    client.force_login(alice)
    page = client.get(f"/dialogues/{draft.pk}/").content.decode()
    assert f'href="/content/dialogues/{draft.pk}/"' in page
    shown = client.get(f"/content/dialogues/{draft.pk}/").content.decode()
    for name in ("Suggestion 1", "Suggestion 2", "Turn 1"):
        assert name in shown
    client.post(f"/content/dialogues/{draft.pk}/", {"text": "suggestion 2", "category": "hate"})
    mark = VerdictFeedback.objects.get()
    assert (mark.harmful, mark.category, mark.user) == (True, "hate", alice)
    assert Completion.objects.get(pk=mark.verdict.target_id).text == "I will read."
