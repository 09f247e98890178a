"""A demonstration in a real browser, with suggestions from a model that writes while one watches."""

from __future__ import annotations

import re

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import expect

from labeling import projects
from labeling.models import Dialogue, Project, Turn
from sampler.models import Completion
from tests import makers
from tests.journeys.conftest import Visitor, Visits
from tests.journeys.languages import BY_KEYS_AND_BY_FINGER, IN_EVERY_LANGUAGE, Hand, Language
from tests.journeys.server import Server, wait_for

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


def test_a_demonstration_by_keyboard_alone(writer: Visitor, chatty: Project) -> None:
    page = writer.open()
    page.get_by_role("button", name="Begin a dialogue").press("Enter")
    page.wait_for_url(re.compile("/dialogues/"))
    expect(page.locator("#composer-text")).to_be_focused()  # on arrival
    page.keyboard.type("How tall is a giraffe?")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".turn")).to_have_count(1)
    expect(page.locator("#composer-text")).to_be_focused()
    page.keyboard.press("Alt+s")
    expect(page.locator("[data-suggestion]")).to_have_count(3)
    expect(page.locator("[data-use]")).to_have_count(3)
    page.keyboard.press("Alt+2")
    second = page.locator('[data-suggestion="2"] [data-raw]').input_value()
    expect(page.locator("#composer-text")).to_have_value(second)
    expect(page.locator("[data-source]")).to_have_text("suggestion 2, verbatim")
    page.keyboard.press("Alt+2")
    expect(page.locator("#composer-text")).to_have_value("")
    page.keyboard.press("Alt+1")
    page.keyboard.press("Control+a")
    page.keyboard.type("Mine.")
    expect(page.locator("[data-source]")).to_have_text("")  # all of it was replaced: own words
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.keyboard.press("Alt+1")
    page.keyboard.press("End")
    page.keyboard.type(" And so on.")
    expect(page.locator("[data-source]")).to_have_text("suggestion 1, edited")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".turn")).to_have_count(2)
    turn = Turn.objects.get(role="assistant")
    assert turn.completion is not None
    assert turn.text == turn.completion.text.strip() + " And so on."
    assert len(turn.suggestions_shown) == 3
    expect(page.locator(".provenance").nth(1)).to_contain_text("from a suggestion, edited")
    page.keyboard.press("Alt+ArrowUp")
    expect(page.locator("#edit-text")).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("About five metres.")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".turn").nth(1)).to_contain_text("About five metres.")
    page.get_by_role("button", name=re.compile("before turn 2")).click()
    expect(page.locator(".turns #composer-text")).to_be_focused()  # it stands between the turns now
    page.locator("#composer-text").fill("In metres, please.")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".turn")).to_have_count(3)
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete turn 2").click()
    expect(page.locator(".turn")).to_have_count(2)
    assert [turn.text for turn in Turn.objects.order_by("position")][1] == "About five metres."
    page.get_by_role("button", name="Submit the dialogue").press("Enter")
    expect(page.get_by_role("heading", name="Your demonstration")).to_be_focused()
    assert Dialogue.objects.get().state == "submitted"


def test_a_demonstration_without_scripts(chatty: Project, visit: Visits, live: Server) -> None:
    page = visit(makers.make_member(chatty, "alice"), java_script_enabled=False).open()
    page.get_by_role("button", name="Begin a dialogue").click()
    page.locator("#composer-text").fill("Name a fruit.")
    page.get_by_role("button", name="Add the turn").click()
    page.get_by_role("button", name="Suggest", exact=False).first.click()
    expect(page.get_by_role("button", name="Use").first).to_be_visible()
    page.get_by_role("button", name="Use").first.click()
    expect(page.locator("#composer-text")).to_have_value(Completion.objects.get(index=0).text.strip())
    page.get_by_role("button", name="Add the turn").click()
    page.get_by_role("button", name="Edit turn 1").click()
    page.locator("#edit-text").fill("Name a sweet fruit.")
    page.get_by_role("button", name="Save the turn").click()
    page.get_by_role("button", name=re.compile("before turn 1")).click()
    page.locator("#composer-text").fill("You like fruit.")
    page.get_by_label("System").check()
    page.get_by_role("button", name="Add the turn").click()
    page.get_by_role("button", name="Submit the dialogue").click()
    expect(page.get_by_role("heading", name="Your demonstration")).to_be_visible()
    assert [turn.text for turn in Turn.objects.order_by("position")][:2] == ["You like fruit.", "Name a sweet fruit."]


def test_an_editor_survives_a_lost_network_and_a_lost_session(writer: Visitor, chatty: Project) -> None:
    page = writer.open()
    page.get_by_role("button", name="Begin a dialogue").click()
    page.wait_for_url(re.compile("/dialogues/"))
    editor = page.locator("#composer-text")
    writer.context.set_offline(True)
    editor.fill("Written in a tunnel.")
    expect(page.locator("[data-saved]")).to_contain_text("Kept in this browser")
    writer.context.set_offline(False)
    wait_for(lambda: Dialogue.objects.get().composer.get("text") == "Written in a tunnel.")
    Session.objects.all().delete()
    page.keyboard.press("Control+Enter")
    page.get_by_label("Password").fill(makers.PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator(".turn")).to_contain_text("Written in a tunnel.")
    assert Turn.objects.get().text == "Written in a tunnel."


def test_keys_that_print_print_and_composing_sends_nothing(writer: Visitor, chatty: Project) -> None:
    page = writer.open()
    page.get_by_role("button", name="Begin a dialogue").press("Enter")
    page.wait_for_url(re.compile("/dialogues/"))
    page.keyboard.type("What is it?")
    page.keyboard.press("Alt+s")
    expect(page.locator("[data-use]")).to_have_count(3)
    first = page.locator('[data-suggestion="1"] [data-raw]').input_value()

    def pressed(event: str) -> bool:
        """Whether the page left the key to the browser."""
        return bool(
            page.evaluate(
                "document.activeElement.dispatchEvent(new KeyboardEvent('keydown',"
                f" {{bubbles: true, cancelable: true, {event}}}))"
            )
        )

    page.locator("#composer-text").focus()
    assert pressed("key: '\u00a1', code: 'Digit1', altKey: true")  # Option+1 of a Mac
    assert pressed("key: '@', code: 'Digit2', altKey: true, ctrlKey: true, modifierAltGraph: true")
    assert pressed("key: 'Dead', code: 'KeyU', altKey: true")
    for event in ("key: 'Enter', ctrlKey: true, isComposing: true", "key: 'Escape', keyCode: 229"):
        assert pressed(event)
        expect(page.locator("#composer-text")).to_be_focused()
    expect(page.locator("#composer-text")).to_have_value("What is it?")
    expect(page.locator(".turn")).to_have_count(0)
    page.keyboard.press("Escape")  # the other way: outside the editor, without Alt
    page.keyboard.press("1")
    expect(page.locator("#composer-text")).to_have_value(first)


@IN_EVERY_LANGUAGE
@BY_KEYS_AND_BY_FINGER
def test_a_given_prompt_is_answered(chatty: Project, visit: Visits, language: Language, hand: Hand) -> None:
    projects.change_settings(project=chatty, prompted_share=1.0)
    asked = "Mend this:\n\n    def f(x):\n        return x  # twice?\n"
    given = (f"{language.sentence}\n\n{asked}", f"{language.sentence} 2")
    projects.add_prompts(project=chatty, prompts=[[{"role": "user", "content": text}] for text in given])
    page = language.visit(visit, makers.make_member(chatty, "alice"), chatty, **hand.options).open()
    hand.choose(page.get_by_role("button", name=language("Begin a dialogue")))
    page.wait_for_url(re.compile("/dialogues/"))
    prompt, editor = page.locator(".turn .written"), page.locator("#composer-text")
    first = prompt.inner_text()
    language.holds(prompt)
    expect(page.get_by_role("heading", name=language("Answer this prompt"))).to_be_visible()
    expect(page.get_by_role("button", name=language("Edit"))).to_have_count(0)
    another = page.get_by_role("button", name=language("Another prompt"))
    if not hand.touch:
        expect(editor).to_be_focused()  # on arrival
    hand.choose(another)
    expect(prompt).not_to_have_text(first)
    hand.write(editor, language.sentence)
    language.holds(editor)
    hand.shortcut(page, "Control+Enter", page.get_by_role("button", name=language("Add the turn")))
    expect(page.locator(".turn")).to_have_count(2)
    expect(another).to_have_count(0)
    hand.choose(page.locator(".actions button.primary"))
    title = language("Your %(dialogue.kind_title)s", language("Demonstration"))
    expect(page.get_by_role("heading", name=title)).to_be_focused()
    done = Dialogue.objects.get(state="submitted")
    assert (done.given_turns, [turn.role for turn in done.turns.order_by("position")]) == (1, ["user", "assistant"])
    assert done.turns.get(role="assistant").text == language.sentence
