"""Criteria, marks on words, and an ideal answer begun from the best completion: in a real browser, by keys and
by finger."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from labeling import projects
from labeling.models import Assignment, Project, Ranking, Turn
from sampler.models import Completion
from tests import makers
from tests.journeys.conftest import Visits
from tests.journeys.languages import BY_KEYS_AND_BY_FINGER, ENGLISH, IN_EVERY_LANGUAGE, PHONE, Hand, Language
from tests.journeys.server import wait_for

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

TEXT = "# Rivers\n\nThe **Elbe** 🙂 flows\r\nto *Hamburg*.\n\nThe Elbe is short."
IN_ARABIC = "# أنهار\n\nنهر **الإلبه** 🙂 يجري\r\nإلى *هامبورغ*.\n\nنهر الإلبه قصير."


def asked(project: Project, alice: User, language: Language = ENGLISH, **settings: object) -> Assignment:
    """A task whose first completion is `TEXT`."""
    projects.change_settings(project=project, **settings)
    task = makers.make_lease(makers.make_comparison(project, k=3), alice)
    language.write(task)
    Completion.objects.filter(pk=task.order_shown[0]).update(text=text_of(language))
    return task


def text_of(language: Language) -> str:
    return IN_ARABIC if language.texts == "ar" else TEXT


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
    expect(page.locator("#card-A input[name='rating-A-helpful']:checked")).to_have_value("3")
    expect(page.locator('[data-slot="1"] .token')).to_have_text("B")
    ranking = submitted(page)
    a, b, c = task.order_shown
    assert ranking.groups == [[b], [c], [a]]
    assert ranking.criteria == {
        a: {"helpful": 3, "harmless & kind": 1},
        b: {"helpful": 5, "harmless & kind": 2},
        c: {"helpful": 4, "harmless & kind": 1},
    }


@IN_EVERY_LANGUAGE
def test_words_are_marked_by_keyboard_and_by_mouse_and_survive_a_reload(
    visit: Visits, project: Project, alice: User, language: Language
) -> None:
    text = text_of(language).replace("\r\n", "\n")
    line, river = text.split("\n")[2], text.split("**")[1]
    task = asked(project, alice, language, span_categories=["not true", "rude"])
    page = language.visit(visit, alice, project).open(f"/ranking/{task.pk}/")
    page.keyboard.press("a")
    page.keyboard.press("q")
    expect(page.locator("#mark-text")).to_be_focused()
    page.keyboard.press("Control+Enter")
    expect(page.locator("[data-mark-errors]")).to_have_text(language.script("Select some words first."))
    language.holds(page.locator("#mark-text"))
    page.keyboard.type("nothing is written")
    page.keyboard.press("Control+Home")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+End")  # the third line
    page.keyboard.press("Alt+2")
    page.get_by_label(language("Comment")).focus()
    page.keyboard.type("Too <b>short</b>.")
    page.keyboard.press("Enter")
    expect(page.locator("[data-mark-done]")).to_have_text(language.script("Marked “%s” as {category}.", line, "rude"))
    page.keyboard.press("Escape")
    expect(page.locator("#card-A [data-mark]")).to_be_focused()
    expect(page.locator("#card-A [data-mark-list]")).to_contain_text("Too <b>short</b>.")
    page.evaluate(  # as a mouse selects them: the second one of what is shown
        """(river) => {
        const p = document.querySelectorAll('#card-A .prose p')[1].firstChild, range = document.createRange();
        const at = p.data.indexOf(river); range.setStart(p, at); range.setEnd(p, at + river.length);
        getSelection().removeAllRanges(); getSelection().addRange(range); }""",
        river,
    )
    page.locator("#card-A [data-mark]").click()
    page.get_by_label("not true").check()
    page.get_by_role("button", name=language("Mark these words")).click()
    page.locator("#marks").get_by_role("button", name=language("Close")).click()
    expect(page.locator("#card-A [data-mark-list] li")).to_have_count(2)
    wait_for(lambda: len(Assignment.objects.get().draft.get("spans", {}).get(task.order_shown[0], [])) == 2)
    page.reload()
    expect(page.locator("#card-A [data-mark-list] li")).to_have_count(2)
    page.keyboard.press("a")
    for place in "123":
        page.keyboard.press(place)
    ranking = submitted(page)
    a = task.order_shown[0]
    first, second = text.index(line), text.rindex(river)
    assert ranking.spans == {
        a: [
            {"start": first, "end": first + len(line), "category": "rude", "comment": "Too <b>short</b>."},
            {"start": second, "end": second + len(river), "category": "not true", "comment": ""},
        ]
    }


@IN_EVERY_LANGUAGE
def test_words_are_marked_by_finger_and_a_mark_is_removed(
    visit: Visits, project: Project, alice: User, language: Language
) -> None:
    task = asked(project, alice, language, span_categories=["rude"])
    word = text_of(language)[2:].split("\n")[0]
    page = language.visit(visit, alice, project, **PHONE).open(f"/ranking/{task.pk}/")
    page.locator("#card-A [data-mark]").tap()
    page.locator("#mark-text").evaluate("(area, end) => area.setSelectionRange(2, end)", 2 + len(word))
    page.get_by_label("rude").tap()
    page.get_by_role("button", name=language("Mark these words")).tap()
    expect(page.locator("[data-mark-done]")).to_have_text(language.script("Marked “%s” as {category}.", word, "rude"))
    page.locator("#marks").get_by_role("button", name=language("Close")).tap()
    wait_for(lambda: Assignment.objects.get().draft.get("spans"))
    page.get_by_role("button", name=language.script("Remove the mark “%s”", word)).tap()
    expect(page.locator("#card-A [data-mark-list] li")).to_have_count(0)
    wait_for(lambda: Assignment.objects.get().draft.get("spans") == {})


@IN_EVERY_LANGUAGE
@BY_KEYS_AND_BY_FINGER
def test_the_best_answer_is_edited_into_the_ideal_one(
    visit: Visits, project: Project, alice: User, language: Language, hand: Hand
) -> None:
    task = asked(project, alice, language, ask_ideal_answer=True)
    page = language.visit(visit, alice, project, **hand.options).open(f"/ranking/{task.pk}/")
    for letter, place in zip("ABC", "213", strict=True):
        hand.shortcut(page, place, page.locator(f"#card-{letter} [data-place='{place}']"))
    hand.shortcut(page, "Shift+Y", page.get_by_role("button", name=language("Edit the best one")))
    best = Completion.objects.get(pk=task.order_shown[1])
    expect(page.locator("#ideal")).to_have_value(best.text)
    expect(page.locator("#ideal")).to_be_focused()
    expect(page.locator("[data-ideal-state]")).to_have_text(language.script("not changed yet"))
    language.holds(page.locator("#ideal"))
    page.keyboard.insert_text(f"{language.sentence} ")
    expect(page.locator("[data-ideal-state]")).to_have_text(language.script("edited"))
    page.on("dialog", lambda dialog: dialog.dismiss())
    page.get_by_label(language("Begun from")).select_option("A")  # what was written stays, as it is asked about
    expect(page.get_by_label(language("Begun from"))).to_have_value("B")
    wait_for(lambda: str(Assignment.objects.get().draft.get("ideal_answer")).startswith(language.sentence))
    page.reload()
    expect(page.locator("#ideal")).to_have_value(f"{language.sentence} {best.text}")
    expect(page.locator('[data-slot="1"] .token')).to_have_text("B")
    hand.shortcut(page, "Control+Enter", page.locator(".actions button.primary"))
    ranking = wait_for(Ranking.objects.first)
    answer = Turn.objects.get(dialogue=ranking.ideal_answer, role="assistant")
    assert (answer.completion, answer.text) == (best, f"{language.sentence} {best.text}")
