"""A question asked at a task, by keys and by finger, answered by the manager, and read where it was asked."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from accounts.models import User
from labeling.models import Assignment, Project, Question
from tests import makers
from tests.journeys.conftest import Visits
from tests.journeys.languages import BY_KEYS_AND_BY_FINGER, IN_EVERY_LANGUAGE, Hand, Language
from tests.journeys.server import wait_for

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


@IN_EVERY_LANGUAGE
@BY_KEYS_AND_BY_FINGER
def test_a_trainer_asks_the_manager_answers_and_the_trainer_reads_it(
    visit: Visits, project: Project, alice: User, task: Assignment, language: Language, hand: Hand
) -> None:
    words, answer = f"{language.sentence} 1?", f"{language.sentence} 2."
    language.write(task)
    mona = makers.make_member(project, "mona", role="manager")
    page = language.visit(visit, alice, project, **hand.options).open(f"/ranking/{task.pk}/")
    expect(page.locator("#card-A")).to_have_attribute("data-current", "")
    hand.shortcut(page, "2", page.locator("#card-A [data-place='2']"))
    questions = language("Questions")
    hand.shortcut(page, "Shift+Q", page.get_by_role("link", name=questions))
    page.wait_for_url(re.compile("/questions/$"))
    hand.write(page.locator("#question"), words)
    hand.shortcut(page, "Control+Enter", page.get_by_role("button", name=language("Ask")))
    expect(page.get_by_text(language("waits for an answer"))).to_be_visible()
    language.runs(page.locator(".questions .kept"))
    asked = Question.objects.get()
    assert (asked.comparison_id, asked.asked_by, asked.text) == (task.comparison_id, alice, words)
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.includes('question:')).length") == 0

    visit.client.cookies.clear()  # or her sign-in would end that of alice
    managing = language.visit(visit, mona, project, **hand.options).open(f"/manage/projects/{project.slug}/")
    expect(managing.locator("dl.figures")).to_contain_text(language("questions to answer"))
    hand.choose(managing.locator(f"dl.figures a[href$='/manage/projects/{project.slug}/questions/']"))
    hand.choose(managing.get_by_role("link", name=words))
    expect(managing.locator("main .letter")).to_have_count(4)
    everybody = managing.get_by_label(language("For everybody"))
    everybody.tap() if hand.touch else everybody.press("Space")
    editor = managing.locator("textarea[name=text]")
    editor.focus()
    hand.write(editor, answer)
    hand.shortcut(managing, "Control+Enter", managing.locator("form[data-by-keys] button.primary"))
    wait_for(lambda: Question.objects.get().answered_at is not None)
    assert Question.objects.get().for_everybody

    page.goto("/".join(page.url.split("/")[:3]) + "/")
    expect(page.locator("header nav .tag")).to_have_text("1")
    told = language("A question of yours in %(subject)s was answered.", project.title)
    hand.choose(page.locator("li", has_text=told).get_by_role("button"))
    page.wait_for_url(re.compile("/questions/$"))
    expect(page.get_by_text(answer)).to_be_visible()
    language.runs(page.locator(".questions .answer .kept"))
    expect(page.locator("header nav .tag")).to_have_count(0)
    hand.choose(page.get_by_role("link", name=language("Back to the ranking")))
    page.wait_for_url(re.compile(f"/ranking/{task.pk}/$"))
    expect(page.locator("#place-A")).to_have_value("2")  # the draft is as it was left
    hand.choose(page.get_by_role("link", name=f"{questions} (1)"))
    expect(page.get_by_text(answer)).to_be_visible()
