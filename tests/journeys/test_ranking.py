"""Ranking in a real browser: keyboard only, touch, without scripts, two tabs, lost network, lost session."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Page, expect

from accounts.models import User
from labeling.models import Assignment, Project, Ranking
from tests import makers
from tests.journeys.conftest import Server, Visitor, wait_for

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def task(live: Server, project: Project, alice: User) -> Assignment:
    comparison = makers.make_comparison(project, k=4, prompt="The first question?")
    makers.make_comparison(project, k=3, prompt="The second question?")
    return makers.make_lease(comparison, alice)


def test_by_keyboard_alone_and_the_next_task_comes_without_a_page_load(
    visit: Callable[..., Visitor], alice: User, task: Assignment
) -> None:
    visitor = visit(alice)
    page = visitor.open()
    page.evaluate("window.sameDocument = true")
    page.get_by_role("link", name="Go on").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/ranking/"))
    page.evaluate("window.sameDocument = true")
    for keys in ("a", "2", "b", "1", "m", "2", "Shift+Digit5", "d", "4", "Shift+Digit2", "t", "Space", "Escape", "a"):
        page.keyboard.press(keys)
        assert page.evaluate("document.activeElement !== document.body"), f"focus was lost by {keys}"
    expect(page.locator('[data-slot="2"] .token')).to_have_count(2)
    expect(page.locator('[data-slot="2"]')).to_contain_text("tie")
    page.keyboard.press("v")
    expect(page.locator("#compare ins").first).to_be_visible()
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
    visit: Callable[..., Visitor], alice: User, task: Assignment
) -> None:
    page = visit(alice).open(f"/ranking/{task.pk}/")
    for keys in ("a", "1", "Shift+Digit2", "b", "2", "Shift+Digit6", "c", "3", "d", "4", "Control+Enter"):
        page.keyboard.press(keys)
    expect(page.get_by_role("alert").filter(has_text="You placed A above B, but rated A 2 and B 6.")).to_be_focused()
    wait_for(
        lambda: len(Assignment.objects.get(pk=task.pk).draft.get("places", {})) == 4, seconds=2
    )  # refused, yet kept
    page.get_by_role("button", name="This is what I mean").press("Enter")
    expect(page.get_by_text("The second question?")).to_be_visible()
    assert Ranking.objects.get().contradiction_confirmed


def test_none_can_be_ranked_though_places_are_filled_and_though_the_csrf_cookie_is_gone(
    visit: Callable[..., Visitor], alice: User, task: Assignment
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


def test_by_touch_with_taps_and_a_drag(visit: Callable[..., Visitor], alice: User, task: Assignment) -> None:
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    visitor = visit(alice, **phone)
    page = visitor.open(f"/ranking/{task.pk}/")
    page.get_by_role("button", name="A in place 1", exact=True).tap()
    page.get_by_role("button", name="B in place 1", exact=True).tap()
    page.locator('.slots [data-letter="C"]').tap()
    page.locator('[data-slot="2"] .slot-name').tap()
    expect(page.locator('[data-slot="2"] .token')).to_have_text("C")
    source = page.locator('.slots [data-letter="D"]').bounding_box()
    target = page.locator('[data-slot="2"]').bounding_box()
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


def test_by_mouse_a_letter_is_dragged_to_its_place(
    visit: Callable[..., Visitor], alice: User, task: Assignment
) -> None:
    page = visit(alice).open(f"/ranking/{task.pk}/")
    page.mouse.move(*middle(page, "#card-A .letter"))
    page.mouse.down()
    page.mouse.move(*middle(page, '[data-slot="3"]'), steps=6)
    expect(page.locator('[data-slot="3"]')).to_have_attribute("data-over", "")
    page.mouse.up()
    expect(page.locator('[data-slot="3"] .token')).to_have_text("A")
    assert page.locator("#place-A").input_value() == "3"


def middle(page: Page, selector: str) -> tuple[float, float]:
    box = page.locator(selector).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_without_scripts_by_number_fields(visit: Callable[..., Visitor], alice: User, task: Assignment) -> None:
    page = visit(alice, java_script_enabled=False).open("/")
    page.get_by_role("link", name="Go on").click()
    for letter, place in zip("ABCD", (3, 1, 1, 2), strict=True):
        page.get_by_label(re.compile(f"^Place of {letter}")).fill(str(place))
    page.locator("#note").fill("by hand")
    page.get_by_role("button", name="Save for later").click()
    page.wait_for_url(re.compile(r"/$"))
    page.get_by_role("link", name="Go on").first.click()
    expect(page.get_by_label(re.compile("^Place of A"))).to_have_value("3")
    page.get_by_role("button", name="Show word differences").click()
    expect(page.locator("ins").first).to_be_visible()
    page.go_back()
    page.get_by_role("button", name="Submit and next").click()
    expect(page.get_by_text("The second question?")).to_be_visible()
    a, b, c, d = task.order_shown
    assert Ranking.objects.get().groups == [sorted([b, c]), [d], [a]]


def test_drafts_are_on_the_server_within_two_seconds_and_survive_a_killed_tab(
    visit: Callable[..., Visitor], alice: User, task: Assignment
) -> None:
    visitor = visit(alice)
    page = visitor.open(f"/ranking/{task.pk}/")
    page.keyboard.press("a")
    page.keyboard.press("3")
    page.keyboard.press("n")
    took = []
    for note in ("half", "half a", "half a note"):  # the best of three, since the machine may be busy with others
        page.locator("#note").press("Control+a")
        page.keyboard.type(note)
        typed = time.monotonic()
        wait_for(lambda n=note: Assignment.objects.get(pk=task.pk).draft.get("note") == n)
        took.append(time.monotonic() - typed)
    assert min(took) < 2.0, took
    page.close()
    page = visitor.another_tab(f"/ranking/{task.pk}/")
    expect(page.locator("#note")).to_have_value("half a note")
    expect(page.locator('[data-slot="3"] .token')).to_have_text("A")


def test_a_network_lost_in_mid_edit_loses_nothing(visit: Callable[..., Visitor], alice: User, task: Assignment) -> None:
    visitor = visit(alice)
    page = visitor.open(f"/ranking/{task.pk}/")
    visitor.context.set_offline(True)
    page.keyboard.press("b")
    page.keyboard.press("1")
    page.keyboard.press("n")
    page.keyboard.type("typed without a network")
    expect(page.locator("[data-saved]")).to_contain_text("Kept in this browser")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#notices")).to_contain_text("No connection")
    assert Assignment.objects.get(pk=task.pk).draft == {}
    visitor.context.set_offline(False)
    wait_for(lambda: Assignment.objects.get(pk=task.pk).draft.get("note") == "typed without a network")
    expect(page.locator("[data-saved]")).to_contain_text("Saved")


def test_work_kept_only_by_the_browser_comes_back_after_a_killed_tab(
    visit: Callable[..., Visitor], alice: User, task: Assignment
) -> None:
    visitor = visit(alice)
    page = visitor.open(f"/ranking/{task.pk}/")
    page.route("**/draft/", lambda route: route.abort())
    page.keyboard.press("n")
    page.keyboard.type("never reached the server")
    expect(page.locator("[data-saved]")).to_contain_text("Kept in this browser")
    page.close()
    page = visitor.another_tab(f"/ranking/{task.pk}/")
    expect(page.locator("#note")).to_have_value("never reached the server")
    wait_for(lambda: Assignment.objects.get(pk=task.pk).draft.get("note") == "never reached the server")


def test_a_session_that_ends_in_mid_edit_is_renewed_in_place(
    visit: Callable[..., Visitor], alice: User, task: Assignment
) -> None:
    page = visit(alice).open(f"/ranking/{task.pk}/")
    for keys in ("a", "1", "b", "2", "c", "3"):
        page.keyboard.press(keys)
    Session.objects.all().delete()
    page.keyboard.press("d")
    page.keyboard.press("4")
    password = page.get_by_label("Password")
    expect(password).to_be_focused()
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    expect(page.locator("[data-login-errors]")).not_to_be_empty()
    password.fill(makers.PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("#login")).not_to_be_visible()
    expect(page.locator('[data-slot="4"] .token')).to_have_text("D")
    wait_for(lambda: len(Assignment.objects.get(pk=task.pk).draft.get("places", {})) == 4)
    Session.objects.all().delete()
    page.keyboard.press("Control+Enter")
    page.get_by_label("Password").fill(makers.PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_text("The second question?")).to_be_visible()
    assert len(Ranking.objects.get().groups) == 4


def test_of_two_tabs_the_second_is_told_and_neither_overwrites_the_other(
    visit: Callable[..., Visitor], alice: User, task: Assignment
) -> None:
    visitor = visit(alice)
    first = visitor.open(f"/ranking/{task.pk}/")
    second = visitor.another_tab(f"/ranking/{task.pk}/")
    expect(second.locator("#notices")).to_contain_text("open in another tab")
    expect(first.locator("#notices")).to_contain_text("open in another tab")
    first.locator("#note").fill("from the first")
    wait_for(lambda: Assignment.objects.get(pk=task.pk).draft.get("note") == "from the first")
    second.locator("#note").fill("from the second")
    expect(second.locator("#notices")).to_contain_text("Nothing was overwritten")
    time.sleep(1.5)
    assert Assignment.objects.get(pk=task.pk).draft["note"] == "from the first"
    second.get_by_role("button", name="Keep mine instead").click()
    wait_for(lambda: Assignment.objects.get(pk=task.pk).draft["note"] == "from the second")
    expect(first.locator("#notices")).to_contain_text("Nothing was overwritten")


def test_a_server_that_restarts_in_mid_edit_gets_the_draft_afterwards(
    visit: Callable[..., Visitor], alice: User, task: Assignment, live: Server
) -> None:
    page = visit(alice).open(f"/ranking/{task.pk}/")
    live.stop()
    page.locator("#note").fill("written while the server was away")
    expect(page.locator("[data-saved]")).to_contain_text("Kept in this browser")
    live.start()
    wait_for(lambda: Assignment.objects.get(pk=task.pk).draft.get("note"), seconds=20)
    expect(page.locator("[data-saved]")).to_contain_text("Saved")


def test_the_page_weighs_less_than_150_kb(visit: Callable[..., Visitor], alice: User, task: Assignment) -> None:
    visitor = visit(alice)
    sizes: dict[str, int] = {}
    visitor.page.on("response", lambda answer: sizes.__setitem__(answer.url, len(answer.body())))
    visitor.open(f"/ranking/{task.pk}/")
    visitor.page.wait_for_load_state("networkidle")
    weight = sum(size for url, size in sizes.items() if not url.endswith(".svg"))
    assert weight < 150_000, sizes
