"""While a dialog is open, no key of the page behind it works: every dialog of every working page is tried with every
key that a page tells. And the bar at the end of these pages stands at the end of the window."""

from __future__ import annotations

import pytest
from django.contrib.sessions.models import Session
from django.urls import reverse
from playwright.sync_api import Page, Request, expect

from accounts.models import User
from labeling.models import Assignment, Project, Ranking, Turn, TurnFeedback
from labeling.quality import reviews
from moderation.models import VerdictFeedback
from tests import makers
from tests.journeys.conftest import Visits
from tests.journeys.server import wait_for

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]
LETTERS = "abcdefghijklmnopqrstuvwxyz"
KEYS = [*LETTERS, *"0123456789=?.", "ArrowUp", "Enter"]
PRESS = """(keys) => { for (const key of keys) {
  const sign = /^[a-z]$/.test(key) ? `Key${key.toUpperCase()}` : /^[0-9]$/.test(key) ? `Digit${key}` : key;
  const code = key === "." ? "Period" : sign;
  for (const held of [{}, { altKey: true }, { shiftKey: true }, { ctrlKey: true }]) {
    const event = new KeyboardEvent("keydown", { key, code, bubbles: true, cancelable: true, ...held });
    document.activeElement.dispatchEvent(event);
  }
} }"""
OPENERS = ("[data-open-keys]", "[data-harm]", "button[form=compare-form]", "[data-mark]", "[data-pause]")
STANDS = """() => [location.pathname, document.querySelectorAll("dialog[open]").length,
  ...[...document.querySelectorAll("main form")]
    .flatMap((form) => [...new FormData(form)].map(String)).filter((entry) => !/^(read-|seconds)/.test(entry))]"""


@pytest.fixture
def pages(project: Project, alice: User, rita: User) -> dict[str, tuple[User, str]]:
    project.span_categories = ["wrong"]
    project.save()
    task, pair = (makers.make_lease(makers.make_comparison(project, k=k), alice) for k in (4, 2))
    comparison = makers.make_comparison(project, votes=1)
    ranked = makers.make_ranking(comparison, alice)
    returned = makers.make_ranking(makers.make_comparison(project), alice)
    reviews.decide(reviewer=rita, decision="returned", ranking=returned, comment="Look again at B.")
    demonstration = makers.make_demonstration(project, alice, submit=False)
    written = makers.make_demonstration(project, alice)
    return {
        "ranking": (alice, reverse("ranking", args=[task.pk])),
        "ranking of two": (alice, reverse("ranking", args=[pair.pk])),
        "mending": (alice, reverse("returned-ranking", args=[returned.pk])),
        "chat": (alice, reverse("dialogue", args=[makers.make_chat(project, alice, turns=2).pk])),
        "demonstration": (alice, reverse("dialogue", args=[demonstration.pk])),
        "review": (rita, reverse("review-ranking", args=[ranked.pk])),
        "review of a dialogue": (rita, reverse("review-dialogue", args=[written.pk])),
        "adjudication": (rita, reverse("adjudicate", args=[comparison.pk])),
    }


def goes_through(page: Page, name: str) -> list[str]:
    """What the keys do to the page behind its open dialog: nothing."""
    sent: list[str] = []

    def left(request: Request) -> None:
        if not request.url.endswith("/heartbeat/"):  # which the clock sends, twice a minute
            sent.append(f"{request.method} {request.url}")

    expect(page.locator("dialog[open]")).to_have_count(1)
    page.wait_for_load_state("networkidle")
    before, found = page.evaluate(STANDS), []
    page.on("request", left)
    page.evaluate(PRESS, [key for key in KEYS if key != "p" or not name.endswith("[data-pause]")])
    for key in ("Control+Enter", "1", "s"):
        page.keyboard.press(key)
    page.wait_for_timeout(300)
    if sent or page.evaluate(STANDS) != before:
        found.append(f"{name}: {sent or page.evaluate(STANDS)}")
    page.remove_listener("request", left)
    return found


def test_no_key_goes_through_an_open_dialog(visit: Visits, pages: dict[str, tuple[User, str]]) -> None:
    found, tried = [], set()
    for name, (user, path) in pages.items():
        visitor = visit(user)
        for opener in OPENERS:
            page = visitor.open(path)
            button = page.locator(opener).first
            if not button.count() or button.get_attribute("hidden") is not None:
                continue
            button.dispatch_event("click")
            tried.add((name, opener))
            found += goes_through(page, f"{name}, {opener}")
        visitor.context.close()
    assert not found
    assert {("ranking", opener) for opener in OPENERS} < tried
    assert {name for name, opener in tried if opener == "[data-open-keys]"} == set(pages)
    assert Ranking.objects.count() == 2


def test_ctrl_enter_sends_the_form_of_the_dialog(
    visit: Visits, pages: dict[str, tuple[User, str]], alice: User
) -> None:
    page = visit(alice).open(pages["ranking"][1])
    for key in "a1b2c3d4":
        page.keyboard.press(key)
    page.keyboard.press("Alt+h")
    page.locator("#harm-text").select_option(index=1)
    page.locator("#harm input[type=radio]").first.check()
    page.locator("#harm-comment").fill("Not to be read.")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#harm")).to_contain_text("Thank you.")
    assert VerdictFeedback.objects.get().comment == "Not to be read."
    assert Ranking.objects.count() == 2
    Session.objects.all().delete()
    page.evaluate("document.querySelector('dialog[open]').close()")
    page.locator("#note").fill("Kept.")
    page.locator("#relogin-password").fill(makers.PASSWORD)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#login")).not_to_be_visible()
    page.wait_for_load_state("networkidle")
    assert Ranking.objects.count() == 2, "signing in sends nothing but itself"


def test_a_dialog_ends_with_the_task_that_it_is_over(
    visit: Visits, project: Project, alice: User, pages: dict[str, tuple[User, str]]
) -> None:
    page = visit(alice).open(pages["ranking"][1])
    task = Assignment.objects.get(pk=pages["ranking"][1].strip("/").split("/")[-1])
    for key in "a1b2c3d4":
        page.keyboard.press(key)
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.evaluate("document.querySelector('.actions button.primary').click()")
    page.wait_for_function("path => location.pathname !== path", arg=pages["ranking"][1])
    expect(page.locator("dialog[open]")).to_have_count(0)
    task.refresh_from_db()
    assert task.state == "submitted"


def test_ctrl_enter_in_a_menu_sends_what_the_menu_sends(
    visit: Visits, alice: User, pages: dict[str, tuple[User, str]]
) -> None:
    path = pages["ranking"][1]
    page = visit(alice).open(path)
    for key in "a1b2c3d4s":
        page.keyboard.press(key)
    page.locator("#skip-other").fill("I know too little of it.")
    page.keyboard.press("Control+Enter")
    page.wait_for_function("path => location.pathname !== path", arg=path)
    assert Assignment.objects.get(pk=path.strip("/").split("/")[-1]).skip_reason == "I know too little of it."


def test_ctrl_enter_in_a_report_of_a_reply_sends_the_report(
    visit: Visits, alice: User, pages: dict[str, tuple[User, str]]
) -> None:
    page = visit(alice).open(pages["chat"][1])
    turns = Turn.objects.count()
    page.locator("#composer-text").fill("Not sent yet.")
    page.keyboard.press("Alt+h")
    page.locator("form.report input[name=problem]").first.check()
    page.locator("form.report textarea[name=comment]").fill("It is wrong.")
    page.keyboard.press("Control+Enter")
    wait_for(lambda: TurnFeedback.objects.filter(comment="It is wrong.").exists())
    assert Turn.objects.count() == turns


def test_a_box_made_larger_breaks_no_policy_when_its_page_is_swapped(
    visit: Visits, alice: User, pages: dict[str, tuple[User, str]]
) -> None:
    path = pages["ranking"][1]
    page = visit(alice).open(path)
    page.evaluate("document.querySelector('#note').style.height = '200px'")
    for key in "a1b2c3d4":
        page.keyboard.press(key)
    page.keyboard.press("Control+Enter")
    page.wait_for_function("path => location.pathname !== path", arg=path)
    page.wait_for_load_state("networkidle")


def test_the_bar_at_the_end_of_a_page_stands_at_the_end_of_the_window(
    visit: Visits, pages: dict[str, tuple[User, str]]
) -> None:
    under = """() => { scrollTo(0, document.documentElement.scrollHeight);
      const bar = document.querySelector(".actions");
      return bar ? innerHeight - bar.getBoundingClientRect().bottom : 0; }"""
    found = {}
    visitors = {user.pk: visit(user) for user, _ in pages.values()}
    for name, (user, path) in pages.items():
        page = visitors[user.pk].open(path)
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 800})
            found[f"{name}, {width}"] = page.evaluate(under)
    assert not {name: gap for name, gap in found.items() if abs(gap) > 1}
