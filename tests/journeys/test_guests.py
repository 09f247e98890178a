"""A guest from the link to the last word: the notice, a chat, a missed harm reported by key, all of it withdrawn."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from accounts.models import User
from labeling import invitations, withdrawal
from labeling.models import Project, TurnFeedback
from moderation.models import VerdictFeedback
from tests import makers
from tests.exports.makers import everything, export
from tests.journeys.conftest import Visits, talking
from tests.journeys.screens import issues
from tests.journeys.server import Server, wait_for
from tests.journeys.test_content_filter import the_confusion_table_moves

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]
REPLY = "People from over there should all go back to where they belong."  # harmful, in words that no pattern knows


def test_a_guest_reports_what_the_filter_missed_and_withdraws_the_chat(
    visit: Visits, live: Server, browser: Browser, tmp_path: Path
) -> None:
    with talking(f"say={REPLY}") as project:
        mona = makers.make_member(project, "mona", role="manager")
        page = browser.new_context(base_url=live.url).new_page()
        comes_by_the_link(page, project, mona)
        page.locator("#composer-text").fill("Who may live here?")
        page.get_by_role("button", name="Send").click()
        expect(page.get_by_text(REPLY).first).to_be_visible()
        assert page.get_by_text("The content filter warns").count() == 0
        reports_by_key(page)
        page.get_by_role("button", name="Submit the chat").click()
        expect(page.get_by_text("Submitted. Thank you.")).to_be_visible()
        the_confusion_table_moves(
            visit(makers.make_member(project, "rita", role="reviewer")), project,
            {"It is harmful": ["0", "0", "1", "0"], "Turn it round": ["0", "0", "0", "1"]},
        )  # fmt: skip
        export(project, tmp_path / "before", "--config", "ratings,moderation,raw")
        assert REPLY in everything(tmp_path / "before")
        withdraws(page)
        export(project, tmp_path / "after", "--config", "ratings,moderation,raw,prompts,sft,rankings,preferences")
        left = everything(tmp_path / "after")
        assert REPLY not in left
        assert "Who may live here?" not in left
        page.context.close()


def comes_by_the_link(page: Page, project: Project, mona: User) -> None:
    _, token = invitations.invite(project=project, role="guest", by=mona, places=50)
    page.goto(f"/invitations/{token}/")
    page.get_by_role("button", name="Open an account").click()
    page.fill("input[name=username]", "nina")
    page.fill("input[name=password1]", makers.PASSWORD)
    page.fill("input[name=password2]", makers.PASSWORD)
    page.get_by_role("button", name="Make my account").click()
    page.wait_for_url(re.compile("/agree/"))
    assert not issues(page, "notice")
    page.get_by_role("button", name="I accept").click()
    page.wait_for_url(re.compile("/dialogues/"))
    for hidden in ("Guidelines", "Questions", "My numbers"):
        assert page.get_by_role("link", name=hidden).count() == 0


def reports_by_key(page: Page) -> None:
    """Begun, lost with the page, there again, and sent."""
    expect(page.locator("[data-harmful]")).to_be_visible()  # the reply has ended
    page.locator("#composer-text").press("Alt+h")
    expect(page.get_by_label("Harmful in real use")).to_be_focused()  # and not the editor again
    page.get_by_label("Harmful in real use").check()
    page.get_by_label("Kind of harm").select_option("hate")
    page.get_by_label("What would have been an ideal answer?").fill("Whoever lives here.")
    page.reload()
    expect(page.get_by_label("What would have been an ideal answer?")).to_have_value("Whoever lives here.")
    expect(page.get_by_label("Harmful in real use")).to_be_checked()
    assert not issues(page, "report")
    page.get_by_role("button", name="Send the report").click()
    expect(page.get_by_text("Thank you. Your report is kept")).to_be_visible()
    wait_for(lambda: VerdictFeedback.objects.filter(harmful=True, category="hate").exists())
    assert TurnFeedback.objects.get().ideal_answer == "Whoever lives here."
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.includes('report:')).length") == 0


def withdraws(page: Page) -> None:
    page.get_by_role("link", name="What is kept, and withdrawing it").first.click()
    assert not issues(page, "what is kept")
    page.get_by_role("button", name="Withdraw… Who may live here?").click()
    expect(page.get_by_text("cannot be brought back")).to_be_visible()
    assert not issues(page, "withdraw")
    page.get_by_role("button", name="Withdraw the chat").click()
    expect(page.get_by_text("The chat is withdrawn.")).to_be_visible()
    assert withdrawal.WITHDRAWN not in page.content()
