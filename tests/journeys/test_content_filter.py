"""The content filter where people meet it: a message that is not sent, a reply stopped, a warning that is wrong."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from labeling import projects
from labeling.models import Project, Turn
from moderation.models import VerdictFeedback
from sampler.models import Completion, SampleRequest
from screening import rules
from tests import makers
from tests.journeys.conftest import Visits, talking
from tests.journeys.server import Server, wait_for

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]
SAY = "Well now. " * 6 + "I will kill you. " + "So it goes. " * 10


def begin(page: Page, text: str) -> None:
    page.get_by_role("button", name="Begin a chat").click()
    page.wait_for_url(re.compile("/dialogues/"))
    page.locator("#composer-text").fill(text)
    page.get_by_role("button", name="Send").click()


def block(slug: str) -> None:
    project = Project.objects.get(slug=slug)
    rules.set_threshold(project=project.pk, filter="patterns", category="violence", warn_at=0.3, block_at=0.8)


def test_a_blocked_message_is_not_sent_says_why_and_is_marked_wrong(visit: Visits, live: Server) -> None:
    with talking("tokens=5") as project:
        block(project.slug)
        page = visit(makers.make_member(project, "alice")).open()
        begin(page, "I will kill them in chess.")
        expect(page.get_by_role("alert")).to_contain_text("violence")
        expect(page.locator("#composer-text")).to_have_value("I will kill them in chess.")
        assert not SampleRequest.objects.exists()
        page.get_by_role("button", name="Wrongly flagged").click()
        expect(page.get_by_text("A reviewer will read it as wrongly flagged")).to_be_visible()
        page.get_by_label("Comment").fill("It is a game.")
        page.get_by_role("button", name="Save the comment").click()
        wait_for(lambda: VerdictFeedback.objects.filter(harmful=False, comment="It is a game.").exists())


def test_a_reply_is_blocked_in_mid_stream_and_can_be_asked_for_again(visit: Visits, live: Server) -> None:
    with talking(f"delay=0.03&say={SAY}") as project:
        block(project.slug)
        page = visit(makers.make_member(project, "alice")).open()
        begin(page, "Tell me something.")
        expect(page.locator("[data-request]")).to_contain_text("Well now.")
        expect(page.get_by_text("The content filter blocks this text: violence.")).to_be_visible()
        expect(page.get_by_text("kill you")).to_have_count(0)
        expect(page.get_by_role("button", name="Ask again")).to_be_visible()
        assert Completion.objects.get().withheld == "blocked"
        assert not Turn.objects.filter(role="assistant").exists()
        page.get_by_role("button", name="Wrongly flagged").click()
        wait_for(lambda: VerdictFeedback.objects.filter(harmful=False).exists())


def test_a_warned_reply_is_marked_wrong_and_a_missed_one_is_reported_by_key(visit: Visits, live: Server) -> None:
    with talking(f"say={SAY}") as project:
        page = visit(makers.make_member(project, "gus", role="guest")).open()
        begin(page, "Tell me something.")
        expect(page.get_by_text("The content filter warns of this text: violence.")).to_be_visible()
        page.get_by_role("button", name="Wrongly flagged").click()
        wait_for(lambda: VerdictFeedback.objects.filter(harmful=False).exists())
        page.locator("h1").click()
        page.keyboard.press("Alt+h")
        page.get_by_label("hate", exact=True).check()
        page.get_by_role("button", name="This is harmful").click()
        wait_for(lambda: VerdictFeedback.objects.filter(harmful=True, category="hate").exists())
        expect(page.get_by_text("A reviewer will read it as harmful (hate)")).to_be_visible()


def test_a_blocked_ideal_answer_is_marked_wrong_and_stays_on_the_page(visit: Visits, live: Server) -> None:
    project = makers.make_project("demo")
    projects.change_settings(project=project, ask_ideal_answer=True)
    block(project.slug)
    alice = makers.make_member(project, "alice")
    lease = makers.make_lease(makers.make_comparison(project, k=2), alice)
    page = visit(alice).open(f"/ranking/{lease.pk}/")
    page.locator("h1").click()
    for key in ("a", "1", "b", "2"):
        page.keyboard.press(key)
    page.locator("[name=ideal_answer]").fill("I will kill them in chess.")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("alert")).to_contain_text("blocks your own answer (violence)")
    page.get_by_role("button", name="Wrongly flagged").click()
    expect(page.get_by_text("A reviewer will read it as wrongly flagged")).to_be_visible()
    expect(page.locator("[name=ideal_answer]")).to_have_value("I will kill them in chess.")
    assert VerdictFeedback.objects.filter(harmful=False).exists()
