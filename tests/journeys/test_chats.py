"""A chat in a real browser, with a model that writes while one watches."""

from __future__ import annotations

import re
import threading
from functools import partial

import pytest
from playwright.sync_api import expect

from accounts.models import User
from labeling import chats
from labeling.models import Dialogue, Project, Turn, TurnFeedback
from sampler import streams
from sampler.models import Completion, SampleRequest
from tests import makers
from tests.journeys.conftest import Visitor, Visits, talking
from tests.journeys.server import Server, wait_for

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


def test_a_chat_by_touch_with_a_reload_in_mid_reply_and_thumbs(
    slow: Project, visit: Visits, live: Server, go_on: threading.Event
) -> None:
    """Nothing of a reply is lost or repeated by a reload, or in a second tab."""
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    visitor = visit(makers.make_member(slow, "alice"), **phone)
    page = visitor.open()
    page.get_by_role("button", name="Begin a chat").tap()
    page.wait_for_url(re.compile("/dialogues/"))
    page.locator("#composer-text").fill("Tell me something.")
    page.get_by_role("button", name="Send").tap()
    expect(page.locator("[data-request]")).to_contain_text(re.compile(r"\w+ \w+ \w+"))
    page.reload()
    request = SampleRequest.objects.get()
    text = page.locator("[data-request]").inner_text()
    other = visitor.another_tab(page.url.removeprefix(visitor.url))
    go_on.set()
    expect(page.get_by_label("Good answer")).to_be_visible()
    whole = request.completions.get().text.strip()
    assert whole.startswith(text.strip()[:5])
    assert streams.snapshot(request.pk)[0][0].strip() == whole
    expect(page.locator('.turn[data-role="assistant"] .prose')).to_have_text(whole)
    expect(other.locator('.turn[data-role="assistant"] .prose')).to_have_text(whole)
    page.get_by_label("Bad answer").tap()
    page.get_by_label("not helpful", exact=True).check()
    page.get_by_role("textbox", name="Comment (optional)").fill("It says nothing.")
    wait_for(lambda: TurnFeedback.objects.filter(comment="It says nothing.", reasons=["not helpful"]).exists())
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_text_on_the_screen_never_repeats_or_drops_a_character(
    slow: Project, visit: Visits, live: Server, go_on: threading.Event
) -> None:
    page = visit(makers.make_member(slow, "alice")).open()
    page.get_by_role("button", name="Begin a chat").click()
    page.wait_for_url(re.compile("/dialogues/"))
    page.locator("#composer-text").fill("Go on.")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("[data-request]")
    for _ in range(3):
        page.wait_for_timeout(120)
        page.reload()
        expect(page.locator("[data-request]")).to_have_count(1)
        page.evaluate(
            """() => { const node = document.querySelector("[data-request]"); if (!node) return;
            window.seen = [node.textContent];
            new MutationObserver(() => window.seen.push(node.textContent)).observe(node, {childList: true}); }"""
        )
    page.wait_for_timeout(500)  # it sees some of it come
    go_on.set()
    expect(page.get_by_label("Good answer")).to_be_visible()
    whole = SampleRequest.objects.get().completions.get().text
    for seen in page.evaluate("window.seen || []"):
        assert whole.startswith(seen)


def test_a_browser_that_was_offline_while_the_reply_ended_shows_it_afterwards(writer: Visitor, chatty: Project) -> None:
    page = writer.open()
    page.get_by_role("button", name="Begin a chat").click()
    page.wait_for_url(re.compile("/dialogues/"))
    page.route("**/stream/*", lambda route: route.abort())
    page.locator("#composer-text").fill("Go on.")
    page.keyboard.press("Control+Enter")
    expect(page.locator("[data-request]")).to_have_count(1)
    request = wait_for(lambda: SampleRequest.objects.filter(state="done").first())
    assert chats.store_reply(dialogue=Dialogue.objects.get()) is not None  # as the clock does it
    page.unroute("**/stream/*")
    expect(page.locator('.turn[data-role="assistant"] .prose')).to_have_text(request.completions.get().text.strip())


def test_a_reply_is_stopped_and_what_there_was_of_it_stays(visit: Visits, live: Server) -> None:
    with talking("delay=0.1&tokens=400") as project:
        page = visit(makers.make_member(project, "alice")).open()
        page.get_by_role("button", name="Begin a chat").click()
        page.wait_for_url(re.compile("/dialogues/"))
        page.locator("#composer-text").fill("Talk for long.")
        page.keyboard.press("Control+Enter")
        expect(page.locator("[data-request]")).to_contain_text(re.compile(r"\w+ \w+"))
        page.keyboard.press("Alt+Period")
        expect(page.get_by_label("Good answer")).to_be_visible()
        assert SampleRequest.objects.get().state == "cancelled"
        assert Turn.objects.get(role="assistant").text


def test_a_chat_without_scripts(chatty: Project, visit: Visits, live: Server) -> None:
    page = visit(makers.make_member(chatty, "alice"), java_script_enabled=False).open()
    page.get_by_role("button", name="Begin a chat").click()
    page.wait_for_url(re.compile("/dialogues/"))
    page.locator("#composer-text").fill("Hello?")
    page.get_by_role("button", name="Send").click()
    wait_for(lambda: SampleRequest.objects.filter(state="done").exists())
    page.reload()
    expect(page.locator('.turn[data-role="assistant"]')).to_contain_text(Completion.objects.get().text.strip())
    page.get_by_role("button", name="Submit the chat").click()
    expect(page.get_by_role("heading", name="Your chat")).to_be_visible()


def replied(times: int) -> bool:
    return Turn.objects.filter(role="assistant").count() == times


@pytest.mark.alone
def test_the_first_token_is_on_the_screen_within_200_ms(writer: Visitor, chatty: Project) -> None:
    """From the engine's emitting it (the stream entry's own time) to the text being in the document."""
    page = writer.open()
    page.get_by_role("button", name="Begin a chat").click()
    page.wait_for_url(re.compile("/dialogues/"))
    delays = []
    for number in range(5):
        page.evaluate(
            """() => { window.first = 0; new MutationObserver(() => {
            const node = document.querySelector("[data-request]");
            if (node && node.textContent && !window.first) window.first = Date.now(); })
            .observe(document.body, {childList: true, subtree: true}); }"""
        )
        page.locator("#composer-text").fill(f"Message {number}")
        page.keyboard.press("Control+Enter")
        wait_for(partial(replied, number + 1))
        expect(page.get_by_label("Good answer")).to_have_count(number + 1)
        request = SampleRequest.objects.latest("created_at")
        (first, *_) = streams.client().xrange(streams.key(request.pk), count=1) or []
        delays.append(page.evaluate("window.first") - int(str(first[0]).split("-")[0]))
    assert sorted(delays)[len(delays) // 2] < 200, delays


@pytest.mark.parametrize("width", [320, 390])
def test_on_a_phone_an_open_report_is_not_under_the_composer(
    visit: Visits, project: Project, alice: User, width: int
) -> None:
    chat = makers.make_chat(project, alice, turns=2)
    page = visit(alice, viewport={"width": width, "height": 800}).open(f"/dialogues/{chat.pk}/")
    page.locator(".harmful summary").last.click()
    report = page.locator("form.report")
    expect(report.get_by_role("button", name="Send the report")).to_be_visible()
    send = report.get_by_role("button", name="Send the report")
    for part in (report.get_by_role("radio").first, report.locator("textarea").last, send):
        part.scroll_into_view_if_needed()
        covered = part.evaluate(
            """one => { const box = one.getBoundingClientRect();
            const top = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
            return !top || !(one.contains(top) || top.contains(one)) || Boolean(top.closest(".chat-foot")); }"""
        )
        assert not covered
