"""Every text is screened whole; blocking acts; people's words move the report."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from accounts.models import User
from insights import content_filter
from labeling import projects
from labeling.models import Comparison, Project, ReviewItem
from moderation import marks, tasks, verdicts
from moderation.models import Verdict, VerdictFeedback
from screening import rules
from screening.filters import patterns
from tests import makers

pytestmark = pytest.mark.django_db
BAD = "I will kill you tomorrow."


def plant(comparison: Comparison, index: int, text: str) -> None:
    """As a text that came in before its project had filters."""
    completion = comparison.candidates.get(index=index).completion
    completion.text = text
    completion.save(update_fields=["text"])
    Verdict.objects.filter(target_id=completion.pk).delete()


@pytest.mark.parametrize("index", [0, 1, 2, 3])
def test_unsafe_text_is_caught_in_any_completion_at_any_offset(project: Project, index: int) -> None:
    comparison = makers.make_comparison(project)
    plant(comparison, index, "word " * 3000 + BAD)
    assert verdicts.screen(project, "patterns") == 1
    found = Verdict.objects.get(action="warn")
    assert found.target_id == comparison.candidates.get(index=index).completion_id
    assert found.category == "violence"
    assert verdicts.screen(project, "patterns") == 0


def test_blocking_takes_comparisons_and_prompts_out_and_sends_dialogues_to_review(
    project: Project, alice: User
) -> None:
    comparison = makers.make_comparison(project)
    plant(comparison, 2, BAD)
    [prompt] = projects.add_prompts(project=project, prompts=[[{"role": "user", "content": BAD}]])
    project.review_rules = {"random_share": 0, "new_trainer": 0}
    project.save()
    dialogue = makers.make_demonstration(project, alice, question=BAD)
    Verdict.objects.all().delete()  # texts from before the project had a filter
    rules.set_threshold(project=project.pk, filter="patterns", category="violence", warn_at=0.3, block_at=0.8)
    tasks.screen()
    comparison.refresh_from_db()
    prompt.refresh_from_db()
    assert comparison.state == "discarded"
    assert "violence" in comparison.discard_reason
    assert prompt.retired_at is not None
    assert ReviewItem.objects.get(dialogue=dialogue).reasons == ["asked"]


def test_harmless_texts_get_a_verdict_too_so_that_a_miss_can_be_marked(
    project: Project, rita: User, alice: User
) -> None:
    # not the maker's own question: it holds a random id, whose digits can be taken for a card's number
    makers.make_demonstration(project, alice, question="How does a kettle work?")
    call_command("moderate", project.slug)
    assert set(Verdict.objects.values_list("action", flat=True)) == {"none"}
    verdict = Verdict.objects.first()
    assert verdict is not None
    marks.mark(verdict=verdict, user=rita, harmful=True, category="hate")
    (found,) = content_filter.found_of(project)
    row = next(row for row in found.rows if row.category == "hate")
    assert row.confusion.missed == 1
    assert row.confusion.recall is not None
    assert row.confusion.recall[0] == 0


def test_marks_move_the_confusion_table_and_thresholds_can_be_tried(project: Project, alice: User, rita: User) -> None:
    for text in (BAD, "They massacre the pawns in this chess game."):
        comparison = makers.make_comparison(project, k=2)
        plant(comparison, 0, text)
    rules.set_threshold(project=project.pk, filter="patterns", category="violence", warn_at=0.4)
    verdicts.screen(project, "patterns")
    warned = {v.scores["violence"]: v for v in Verdict.objects.filter(action="warn")}
    marks.mark(verdict=warned[0.9], user=rita, harmful=True)
    marks.mark(verdict=warned[0.4], user=rita, harmful=True)
    marks.mark(verdict=warned[0.4], user=rita, harmful=False)
    assert VerdictFeedback.objects.count() == 2
    (found,) = content_filter.found_of(project)
    at = {point.threshold: point.confusion for point in found.points if point.category == "violence"}
    assert [rate and rate[0] for rate in (at[0.4].precision, at[0.4].recall)] == [0.5, 1]
    assert [rate and rate[0] for rate in (at[0.7].precision, at[0.7].recall)] == [1, 1]


def test_full_width_letters_do_not_hide_a_word() -> None:
    assert patterns.FILTER.score(["Ｉ ｗｉｌｌ ｋｉｌｌ ｙｏｕ"])[0]["violence"] > 0.5
    assert max(patterns.FILTER.score(["How do I boil an egg?"])[0].values()) == 0


def test_the_moderation_pages_open_for_the_projects_own_people_alone(
    project: Project, mona: User, client: Client
) -> None:
    makers.make_comparison(project)
    verdicts.screen(project, "patterns")
    verdict = Verdict.objects.first()
    assert verdict is not None
    client.force_login(mona)
    assert client.get(reverse("admin:moderation_verdict_changelist")).status_code == 200
    page = reverse("admin:moderation_verdict_change", args=[verdict.pk])
    assert client.get(page).status_code == 200
    client.post(reverse("admin:moderation_verdict_do", args=[verdict.pk, "harmless"]))
    assert verdict.feedback.get().harmful is False
    report = reverse("insights:filter", args=[project.slug])
    assert client.get(report).status_code == 200
    walter = makers.make_member(makers.make_project("elsewhere"), "walter", role="manager")
    client.force_login(walter)
    assert client.get(page).status_code == 404
    assert client.get(report).status_code == 404
