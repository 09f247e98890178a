"""Ranking in a real browser: keyboard only, touch, without scripts, two tabs, lost network, lost session."""

from __future__ import annotations

import re

import pytest
from django.conf import settings
from playwright.sync_api import FloatRect, Page, expect

from accounts import notices
from accounts.models import NoticeKind, User
from labeling.criteria import HHH
from labeling.models import Assignment, Project, Ranking
from tests import makers
from tests.journeys.conftest import Visits
from tests.journeys.languages import BY_KEYS_AND_BY_FINGER, IN_EVERY_LANGUAGE, PHONE, Hand, Language
from tests.journeys.server import wait_for

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


def test_by_keyboard_alone_and_the_next_task_comes_without_a_page_load(
    visit: Visits, alice: User, task: Assignment
) -> None:
    visitor = visit(alice)
    page = visitor.open()
    page.evaluate("window.sameDocument = true")
    page.get_by_role("link", name="Continue").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/ranking/"))
    page.evaluate("window.sameDocument = true")
    for keys in ("2", "1", "Shift+Digit5", "2", "Shift+Digit2", "4", "d", "t", "Space", "Escape", "a"):
        page.keyboard.press(keys)
        assert page.evaluate("document.activeElement !== document.body"), f"focus was lost by {keys}"
    expect(page.locator('[data-slot="2"] .token')).to_have_count(2)
    expect(page.locator('[data-slot="2"]')).to_contain_text("tie")
    page.keyboard.press("v")
    expect(page.locator("#compare mark").first).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    page.keyboard.type("clear enough")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("The second question?")).to_be_visible()
    assert page.evaluate("window.sameDocument") is True
    expect(page.get_by_role("heading", name="Rank 3 completions")).to_be_focused()
    ranking = Ranking.objects.get()
    a, b, c, d = task.order_shown
    assert ranking.groups == [[b], sorted([a, c]), [d]]
    assert ranking.ratings == {c: 5, d: 2}
    assert list(ranking.flags) == [d]
    assert ranking.note == "clear enough"
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    page.keyboard.press("u")
    page.wait_for_url(re.compile(str(task.pk)))
    expect(page.locator("#note")).to_have_value("clear enough")


def test_a_contradiction_is_asked_about_once_with_focus_on_the_question(
    visit: Visits, alice: User, task: Assignment
) -> None:
    page = visit(alice).open(f"/ranking/{task.pk}/")
    for keys in ("Shift+Digit2", "1", "Shift+Digit6", "2", "c", "3", "d", "4", "Control+Enter"):
        page.keyboard.press(keys)
    expect(page.get_by_role("alert").filter(has_text="You placed A above B, but rated A 2 and B 6.")).to_be_focused()
    wait_for(lambda: len(Assignment.objects.get(pk=task.pk).draft.get("places", {})) == 4)  # refused, yet kept
    page.get_by_role("button", name="This is what I mean").press("Enter")
    expect(page.get_by_text("The second question?")).to_be_visible()
    assert Ranking.objects.get().contradiction_confirmed


def test_none_can_be_ranked_though_places_are_filled_and_though_the_csrf_cookie_is_gone(
    visit: Visits, alice: User, task: Assignment
) -> None:
    visitor = visit(alice)
    page = visitor.open(f"/ranking/{task.pk}/")
    for keys in ("a", "1"):
        page.keyboard.press(keys)
    visitor.context.clear_cookies(name="csrftoken")
    page.get_by_text("None can be ranked").click()
    page.get_by_label("All of them are wrong or unusable").check()
    page.get_by_role("button", name="Submit as not rankable").click()
    expect(page.get_by_text("The second question?")).to_be_visible()
    assert Ranking.objects.get().not_rankable == "All of them are wrong or unusable"


def test_by_touch_with_taps_and_a_drag(visit: Visits, alice: User, task: Assignment) -> None:
    visitor = visit(alice, **PHONE)
    page = visitor.open(f"/ranking/{task.pk}/")
    page.get_by_role("button", name="A in place 1", exact=True).tap()
    page.get_by_role("button", name="B in place 1", exact=True).tap()
    page.locator('.slots [data-letter="C"]').tap()
    page.locator('[data-slot="2"] .slot-name').tap()
    expect(page.locator('[data-slot="2"] .token')).to_have_text("C")
    source = box(page, '.slots [data-letter="D"]')
    target = box(page, '[data-slot="2"]')
    touch = visitor.context.new_cdp_session(page)
    start = {"x": source["x"] + 10, "y": source["y"] + 10}
    end = {"x": target["x"] + 12, "y": target["y"] + target["height"] / 2}
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [start]})
    for step in range(1, 6):
        point = {axis: start[axis] + (end[axis] - start[axis]) * step / 5 for axis in ("x", "y")}
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(page.locator('[data-slot="2"] .token')).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    touch.detach()
    page.locator("h1").tap()  # Chromium swallows the first tap after a drag that was dispatched to it
    page.wait_for_timeout(700)
    page.get_by_role("button", name="Submit and next").tap()
    expect(page.get_by_text("The second question?")).to_be_visible()
    a, b, c, d = task.order_shown
    assert Ranking.objects.get().groups == [sorted([a, b]), sorted([c, d])]


def test_by_mouse_a_letter_is_dragged_to_its_place(visit: Visits, alice: User, task: Assignment) -> None:
    page = visit(alice).open(f"/ranking/{task.pk}/")
    page.mouse.move(*middle(page, "#card-A .letter"))
    page.mouse.down()
    page.mouse.move(*middle(page, '[data-slot="3"]'), steps=6)
    expect(page.locator('[data-slot="3"]')).to_have_attribute("data-over", "")
    page.mouse.up()
    expect(page.locator('[data-slot="3"] .token')).to_have_text("A")
    assert page.locator("#place-A").input_value() == "3"


def box(page: Page, selector: str) -> FloatRect:
    found = page.locator(selector).bounding_box()
    assert found is not None
    return found


def middle(page: Page, selector: str) -> tuple[float, float]:
    place = box(page, selector)
    return place["x"] + place["width"] / 2, place["y"] + place["height"] / 2


def test_without_scripts_by_number_fields(visit: Visits, alice: User, task: Assignment) -> None:
    page = visit(alice, java_script_enabled=False).open("/")
    page.get_by_role("link", name="Continue").click()
    for letter, place in zip("ABCD", (3, 1, 1, 2), strict=True):
        page.get_by_label(re.compile(f"^Place of {letter}")).fill(str(place))
    page.locator("#note").fill("by hand")
    page.get_by_role("button", name="Save for later").click()
    page.wait_for_url(re.compile(r"/$"))
    page.get_by_role("link", name="Continue").first.click()
    expect(page.get_by_label(re.compile("^Place of A"))).to_have_value("3")
    page.get_by_role("button", name="Show word differences").click()
    expect(page.locator("mark").first).to_be_visible()
    page.go_back()
    page.get_by_role("button", name="Submit and next").click()
    expect(page.get_by_text("The second question?")).to_be_visible()
    a, b, c, d = task.order_shown
    assert Ranking.objects.get().groups == [sorted([b, c]), [d], [a]]


@pytest.mark.parametrize("language", [code for code, _ in settings.LANGUAGES])
def test_the_page_weighs_less_than_150_kb_with_everything_asked(
    visit: Visits, alice: User, task: Assignment, project: Project, language: str
) -> None:
    project.criteria = [{"name": name, "steps": 7} for name in HHH]
    project.span_categories = ["wrong", "made up", "unsafe", "unclear"]
    project.ask_strength = project.ask_ideal_answer = True
    project.save()
    for number in range(25):
        notices.tell(
            users=[alice.pk], kind=NoticeKind.ANSWERED, key=f"one:{number}", subject=project.title, address="/"
        )
    visitor = visit(alice, locale=language)
    sizes: dict[str, int] = {}
    visitor.page.on("response", lambda answer: sizes.__setitem__(answer.url, len(answer.body())))
    visitor.open(f"/ranking/{task.pk}/")
    visitor.page.wait_for_load_state("networkidle")
    weight = sum(size for url, size in sizes.items() if not url.endswith(".svg"))
    assert weight < 150_000, (weight, sorted((s, u.rsplit("/", 2)[-1] or "page") for u, s in sizes.items()))


def test_four_are_ranked_with_four_keys_and_the_last_place_is_proposed(
    visit: Visits, alice: User, task: Assignment
) -> None:
    page = visit(alice).open(f"/ranking/{task.pk}/")
    expect(page.locator("#card-A")).to_have_attribute("data-current", "")
    for keys in ("2", "1", "4"):
        page.keyboard.press(keys)
    expect(page.locator("#card-D")).to_have_attribute("data-current", "")
    expect(page.locator("#card-D [data-hint]")).to_have_text("proposed")
    expect(page.locator('[data-slot="3"] .token')).to_have_attribute("data-proposed", "")
    page.wait_for_timeout(2200)
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("The second question?")).to_be_visible()
    a, b, c, d = task.order_shown
    ranking = Ranking.objects.get()
    assert ranking.groups == [[b], [a], [d], [c]]
    assert ranking.reading[d]["proposed"] is True
    assert ranking.reading[d]["seconds"] >= 1
    assert not any(ranking.reading.get(cid, {"proposed": False})["proposed"] for cid in (a, b, c))


def test_what_was_not_in_view_is_not_ranked(visit: Visits, alice: User, project: Project) -> None:
    task = makers.make_lease(makers.make_comparison(project, k=3), alice)
    page = visit(alice).open(f"/ranking/{task.pk}/")
    # As on a page whose cards are long: nothing of it comes into view by itself.
    page.evaluate("document.querySelector('#card-C').hidden = true")
    for keys in ("1", "2"):
        page.keyboard.press(keys)
    expect(page.locator("#card-C [data-hint]")).to_have_text("3rd is left: read this one first")
    assert page.locator("#place-C").input_value() == ""
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("alert")).to_contain_text("without one: C")
    assert not Ranking.objects.exists()


def test_ties_cost_no_more_keys_and_a_card_can_be_pushed_between_others(
    visit: Visits, alice: User, task: Assignment
) -> None:
    page = visit(alice).open(f"/ranking/{task.pk}/")
    for keys in ("1", "1", "2", "2"):
        page.keyboard.press(keys)
    expect(page.locator('[data-slot="1"] .token')).to_have_count(2)
    expect(page.locator('[data-slot="2"] .token')).to_have_count(2)
    expect(page.locator("[data-hint]").filter(has_text="proposed")).to_have_count(0)
    for keys in ("d", "Alt+Digit1"):
        page.keyboard.press(keys)
    expect(page.locator('[data-slot="1"] .token')).to_have_text("D")
    expect(page.locator('[data-slot="2"] .token')).to_have_count(2)
    expect(page.locator('[data-slot="3"] .token')).to_have_text("C")
    for keys in ("c", "r", "3", "b", "r", "4"):  # the way without Alt
        page.keyboard.press(keys)
    assert [page.locator(f"#place-{letter}").input_value() for letter in "ABCD"] == ["2", "4", "3", "1"]
    page.mouse.move(*middle(page, "#card-C .letter"))
    page.mouse.down()
    page.mouse.move(*middle(page, '[data-slot="1"]'), steps=3)
    target = box(page, '[data-slot="1"]')
    page.mouse.move(target["x"] + 4, target["y"] + 10, steps=6)
    expect(page.locator('[data-slot="1"]')).to_have_attribute("data-before", "")
    page.mouse.up()
    assert [page.locator(f"#place-{letter}").input_value() for letter in "ABCD"] == ["3", "4", "1", "2"]


@IN_EVERY_LANGUAGE
@BY_KEYS_AND_BY_FINGER
def test_with_grades_nine_keys_are_enough_and_the_grades_offer_an_order(
    visit: Visits, project: Project, alice: User, task: Assignment, language: Language, hand: Hand
) -> None:
    language.write(task)
    page = language.visit(visit, alice, project, **hand.options).open(f"/ranking/{task.pk}/")
    in_their_order = page.get_by_role("button", name=language("Order them by their grades"))
    expect(in_their_order).not_to_be_visible()
    for letter, grade in zip("ABCD", (3, 6, 3, 1), strict=True):
        hand.shortcut(page, f"Shift+Digit{grade}", page.locator(f"input[name=rating-{letter}][value='{grade}']"))
        if letter != "D" and not hand.touch:
            page.keyboard.press("j")
    expect(in_their_order).to_be_visible()
    hand.shortcut(page, "=", in_their_order)
    assert [page.locator(f"#place-{letter}").input_value() for letter in "ABCD"] == ["2", "1", "2", "3"]
    hand.shortcut(page, "Control+Enter", page.locator(".actions button.primary"))
    expect(page.get_by_text("The second question?")).to_be_visible()
    a, b, c, d = task.order_shown
    assert Ranking.objects.get().groups == [[b], sorted([a, c]), [d]]


@IN_EVERY_LANGUAGE
@pytest.mark.parametrize(("key", "groups"), [("a", "A>B"), ("b", "B>A"), ("e", "A=B"), ("w", "")])
def test_of_two_one_key_is_the_answer(
    visit: Visits, alice: User, project: Project, key: str, groups: str, language: Language
) -> None:
    task = makers.make_lease(makers.make_comparison(project, k=2), alice)
    language.write(task)
    page = language.visit(visit, alice, project).open(f"/ranking/{task.pk}/")
    expect(page.get_by_role("group", name=language("Which one is better?"))).to_be_visible()
    language.holds(page.locator("#card-B .prose"))
    page.keyboard.press(key)
    expect(page.locator(f'[data-answer="{key}"]')).to_have_attribute("aria-pressed", "true")
    expect(page.locator('[data-answer][aria-pressed="true"]')).to_have_count(1)
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile("nothing"))
    expect(page.get_by_text(language("Ranking submitted."))).to_be_visible()
    letters = dict(zip("AB", task.order_shown, strict=True))
    wanted = [sorted(letters[one] for one in place.split("=")) for place in groups.split(">") if place]
    ranking = Ranking.objects.get()
    assert ranking.groups == wanted
    assert bool(ranking.not_rankable) == (not wanted)


def test_keys_while_an_input_method_composes_send_and_close_nothing(
    visit: Visits, alice: User, task: Assignment
) -> None:
    page = visit(alice).open(f"/ranking/{task.pk}/")
    page.locator("#note").focus()
    for event in ("{key: 'Enter', ctrlKey: true, isComposing: true}", "{key: 'Enter', ctrlKey: true, keyCode: 229}",
                  "{key: 'Escape', isComposing: true}", "{key: '1', code: 'Digit1', keyCode: 229}"):  # fmt: skip
        page.evaluate(
            f"document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {{bubbles: true, ...{event}}}))"
        )
        expect(page.locator("#note")).to_be_focused()
    page.evaluate(
        "document.body.dispatchEvent(new KeyboardEvent('keydown',"
        " {bubbles: true, key: 'Process', code: 'Digit1', keyCode: 229}))"
    )
    assert page.locator("#place-A").input_value() == ""
    assert not Ranking.objects.exists()
