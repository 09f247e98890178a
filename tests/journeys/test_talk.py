"""A question asked at a task with the keyboard, answered by the manager, and read where it was asked."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from accounts.models import User
from labeling.models import Assignment, Project, Question
from tests import makers
from tests.journeys.conftest import Visits
from tests.journeys.server import wait_for

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize(
    ("locale", "questions", "waits", "to_answer", "everybody", "back", "told"),
    [
        ("en-GB", "Questions", "waits for an answer", "questions to answer", "For everybody", "Back to the ranking",
         "A question of yours in Project demo was answered."),
        ("de-DE", "Fragen", "wartet auf eine Antwort", "Fragen zu beantworten", "Für alle", "Zurück zur Rangfolge",
         "Eine Frage von dir in Project demo wurde beantwortet."),
        ("es-ES", "Preguntas", "espera respuesta", "preguntas por responder", "Para todos", "Volver al orden",
         "Respondieron a una pregunta tuya en Project demo."),
    ],
)  # fmt: skip
def test_a_trainer_asks_with_the_keyboard_the_manager_answers_and_the_trainer_reads_it(
    visit: Visits, project: Project, alice: User, task: Assignment, locale: str, questions: str, waits: str,
    to_answer: str, everybody: str, back: str, told: str,
) -> None:  # fmt: skip
    mona = makers.make_member(project, "mona", role="manager")
    page = visit(alice, locale=locale).open(f"/ranking/{task.pk}/")
    expect(page.locator("#card-A")).to_have_attribute("data-current", "")
    page.keyboard.press("2")
    page.keyboard.press("Shift+Q")
    page.wait_for_url(re.compile("/questions/$"))
    expect(page.locator("#question")).to_be_focused()
    page.keyboard.type("Which counts more, truth or length?")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text(waits)).to_be_visible()
    asked = Question.objects.get()
    assert (asked.comparison_id, asked.asked_by) == (task.comparison_id, alice)
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.includes('question:')).length") == 0

    visit.client.cookies.clear()  # or her sign-in would end that of alice
    managing = visit(mona, locale=locale).open(f"/manage/projects/{project.slug}/")
    expect(managing.locator("dl.figures")).to_contain_text(to_answer)
    managing.locator(f"dl.figures a[href$='/manage/projects/{project.slug}/questions/']").press("Enter")
    managing.get_by_role("link", name="Which counts more").press("Enter")
    expect(managing.locator("main .letter")).to_have_count(4)
    managing.locator("textarea[name=text]").fill("Truth, always.")
    managing.get_by_label(everybody).check()
    managing.locator("textarea[name=text]").press("Control+Enter")
    wait_for(lambda: Question.objects.get().answered_at is not None)
    assert Question.objects.get().for_everybody

    page.goto("/".join(page.url.split("/")[:3]) + "/")
    expect(page.locator("header nav .tag")).to_have_text("1")
    page.locator("li", has_text=told).get_by_role("button").press("Enter")
    page.wait_for_url(re.compile("/questions/$"))
    expect(page.get_by_text("Truth, always.")).to_be_visible()
    expect(page.locator("header nav .tag")).to_have_count(0)
    page.get_by_role("link", name=back).press("Enter")
    page.wait_for_url(re.compile(f"/ranking/{task.pk}/$"))
    expect(page.locator("#place-A")).to_have_value("2")  # the draft is as it was left
    page.get_by_role("link", name=f"{questions} (1)").press("Enter")
    expect(page.get_by_text("Truth, always.")).to_be_visible()
