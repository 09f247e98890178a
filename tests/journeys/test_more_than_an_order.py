"""Criteria, marks on words, and an ideal answer begun from the best completion: in a real browser, by keyboard."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from labeling import projects
from labeling.models import Assignment, Project, Ranking, Turn
from sampler.models import Completion
from tests import makers
from tests.journeys.conftest import Visits
from tests.journeys.server import wait_for

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

TEXT = "# Rivers\n\nThe **Elbe** 🙂 flows\r\nto *Hamburg*.\n\nThe Elbe is short."


def asked(project: Project, alice: User, **settings: object) -> Assignment:
    """A task whose first completion is `TEXT`."""
    projects.change_settings(project=project, **settings)
    task = makers.make_lease(makers.make_comparison(project, k=3), alice)
    Completion.objects.filter(pk=task.order_shown[0]).update(text=TEXT)
    return task


def submitted(page: Page) -> Ranking:
    page.keyboard.press("Control+Enter")
    return wait_for(lambda: Ranking.objects.order_by("-submitted_at").first())


def test_criteria_are_graded_by_keyboard_and_give_the_order(visit: Visits, project: Project, alice: User) -> None:
    task = asked(project, alice, criteria=[{"name": "helpful", "steps": 5}, {"name": "harmless & kind", "steps": 2}])
    page = visit(alice).open(f"/ranking/{task.pk}/")
    for letter, grades in (("a", "21"), ("b", "52"), ("c", "41")):
        page.keyboard.press(letter)
        for grade in grades:
            page.keyboard.press(f"Shift+Digit{grade}")
    page.keyboard.press("a")
    page.keyboard.press("l")  # the first criterion again, to correct it
    page.keyboard.press("Shift+Digit3")
    page.keyboard.press("Escape")
    page.keyboard.press("=")
    wait_for(lambda: Assignment.objects.get().draft.get("places"))
    page.reload()
    expect(page.locator("#card-A input[name='criterion-A-helpful']:checked")).to_have_value("3")
    expect(page.locator('[data-slot="1"] .token')).to_have_text("B")
    ranking = submitted(page)
    a, b, c = task.order_shown
    assert ranking.groups == [[b], [c], [a]]
    assert ranking.criteria == {
        a: {"helpful": 3, "harmless & kind": 1},
        b: {"helpful": 5, "harmless & kind": 2},
        c: {"helpful": 4, "harmless & kind": 1},
    }


def test_words_are_marked_by_keyboard_and_by_mouse_and_survive_a_reload(
    visit: Visits, project: Project, alice: User
) -> None:
    task = asked(project, alice, span_categories=["not true", "rude"])
    page = visit(alice).open(f"/ranking/{task.pk}/")
    page.keyboard.press("a")
    page.keyboard.press("q")
    expect(page.locator("#mark-text")).to_be_focused()
    page.keyboard.press("Control+Enter")
    expect(page.locator("[data-mark-errors]")).to_have_text("Select some words first.")
    page.keyboard.type("nothing is written")
    page.keyboard.press("Control+Home")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+End")  # The **Elbe** 🙂 flows
    page.keyboard.press("Alt+2")
    page.get_by_label("Comment").focus()
    page.keyboard.type("Too <b>short</b>.")
    page.keyboard.press("Enter")
    expect(page.locator("[data-mark-done]")).to_have_text("Marked “The **Elbe** 🙂 flows” as rude.")
    page.keyboard.press("Escape")
    expect(page.locator("#card-A [data-mark]")).to_be_focused()
    expect(page.locator("#card-A [data-mark-list]")).to_contain_text("Too <b>short</b>.")
    page.evaluate(  # as a mouse selects them: the second "Elbe" of what is shown
        """() => {
        const p = document.querySelectorAll('#card-A .prose p')[1].firstChild, range = document.createRange();
        range.setStart(p, 4); range.setEnd(p, 8); getSelection().removeAllRanges(); getSelection().addRange(range); }"""
    )
    page.locator("#card-A [data-mark]").click()
    page.get_by_label("not true").check()
    page.get_by_role("button", name="Mark these words").click()
    page.locator("#marks").get_by_role("button", name="Close").click()
    expect(page.locator("#card-A [data-mark-list] li")).to_have_count(2)
    wait_for(lambda: len(Assignment.objects.get().draft.get("spans", {}).get(task.order_shown[0], [])) == 2)
    page.reload()
    expect(page.locator("#card-A [data-mark-list] li")).to_have_count(2)
    page.keyboard.press("a")
    for place in "123":
        page.keyboard.press(place)
    ranking = submitted(page)
    a = task.order_shown[0]
    text = TEXT.replace("\r\n", "\n")
    second = text.rindex("Elbe")
    assert ranking.spans == {
        a: [
            {"start": 10, "end": 30, "category": "rude", "comment": "Too <b>short</b>."},
            {"start": second, "end": second + 4, "category": "not true", "comment": ""},
        ]
    }
    assert text[10:30] == "The **Elbe** 🙂 flows"


def test_a_mark_is_removed(visit: Visits, project: Project, alice: User) -> None:
    task = asked(project, alice, span_categories=["rude"])
    page = visit(alice, viewport={"width": 390, "height": 800}, has_touch=True).open(f"/ranking/{task.pk}/")
    page.locator("#card-A [data-mark]").tap()
    page.locator("#mark-text").evaluate("area => area.setSelectionRange(2, 8)")
    page.get_by_label("rude").tap()
    page.get_by_role("button", name="Mark these words").tap()
    expect(page.locator("[data-mark-done]")).to_contain_text("Rivers")
    page.locator("#marks").get_by_role("button", name="Close").tap()
    wait_for(lambda: Assignment.objects.get().draft.get("spans"))
    page.get_by_role("button", name="Remove the mark “Rivers”").tap()
    expect(page.locator("#card-A [data-mark-list] li")).to_have_count(0)
    wait_for(lambda: Assignment.objects.get().draft.get("spans") == {})


def test_the_best_answer_is_edited_into_the_ideal_one(visit: Visits, project: Project, alice: User) -> None:
    task = asked(project, alice, ask_ideal_answer=True)
    page = visit(alice).open(f"/ranking/{task.pk}/")
    page.keyboard.press("a")
    for place in "213":
        page.keyboard.press(place)
    page.keyboard.press("Shift+Y")
    best = Completion.objects.get(pk=task.order_shown[1])
    expect(page.locator("#ideal")).to_have_value(best.text)
    expect(page.locator("#ideal")).to_be_focused()
    expect(page.locator("[data-ideal-state]")).to_have_text("not changed yet")
    page.keyboard.type("Surely: ")
    expect(page.locator("[data-ideal-state]")).to_have_text("edited")
    page.on("dialog", lambda dialog: dialog.dismiss())
    page.get_by_label("Begun from").select_option("A")  # what was written stays, as it is asked about
    expect(page.get_by_label("Begun from")).to_have_value("B")
    wait_for(lambda: str(Assignment.objects.get().draft.get("ideal_answer")).startswith("Surely"))
    page.reload()
    expect(page.locator("#ideal")).to_have_value(f"Surely: {best.text}")
    expect(page.locator('[data-slot="1"] .token')).to_have_text("B")
    ranking = submitted(page)
    answer = Turn.objects.get(dialogue=ranking.ideal_answer, role="assistant")
    assert (answer.completion, answer.text) == (best, f"Surely: {best.text}")
