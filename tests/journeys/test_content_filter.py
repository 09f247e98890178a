"""The content filter where people meet it: a message that is not sent, a reply stopped, a warning that is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from labeling import comparisons, projects, rankings
from labeling.models import Project, Turn
from moderation.models import VerdictFeedback
from sampler.models import Completion, SampleRequest
from screening import rules
from tests import makers
from tests.journeys.conftest import Visitor, Visits, talking
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


def test_a_warned_reply_is_marked_wrong(visit: Visits, live: Server) -> None:
    with talking(f"say={SAY}") as project:
        page = visit(makers.make_member(project, "alice")).open()
        begin(page, "Tell me something.")
        expect(page.get_by_text("The content filter warns of this text: violence.")).to_be_visible()
        page.get_by_role("button", name="Wrongly flagged").click()
        wait_for(lambda: VerdictFeedback.objects.filter(harmful=False).exists())
        the_confusion_table_moves(
            visit(makers.make_member(project, "rita", role="reviewer")), project,
            {"It is harmless": ["0", "1", "0", "0"], "Turn it round": ["1", "0", "0", "0"]},
        )  # fmt: skip


def the_confusion_table_moves(visitor: Visitor, project: Project, decisions: Mapping[str, list[str]]) -> None:
    """The one mark there is, decided by these buttons one after the other: what the first four cells say then."""
    figures = f"/admin/insights/{project.slug}/filter/"
    page = visitor.open(f"/projects/{project.slug}/review/content/")
    expect(page.get_by_text("1 mark waits for a decision.")).to_be_visible()
    for button, cells in decisions.items():
        page.get_by_role("button", name=button).click()
        expect(page.get_by_text("Nothing waits here.")).to_be_visible()
        page.goto(visitor.url + figures)
        row = page.locator("tbody tr").filter(has=page.get_by_role("cell", name="any", exact=True)).first
        assert row.get_by_role("cell").all_inner_texts()[:7] == ["patterns", "all", "any", *cells]
        page.get_by_role("link", name="0 marks to decide").click()


def test_texts_of_a_ranking_are_marked_by_trainer_and_reviewer(
    visit: Visits, project: Project, alice: User, rita: User
) -> None:
    question = [{"role": "user", "content": "What will you do?"}]
    answers = [{"text": "I will kill them in chess."}, {"text": "Go back to where you came from."}]
    made, _ = comparisons.bring(project=project, prompt=question, completions=answers)
    task = makers.make_lease(made, alice)
    missed = "AB"[task.order_shown.index(next(cid for cid, text in made.texts.items() if text.startswith("Go")))]
    page = visit(alice).open(f"/ranking/{task.pk}/")
    page.get_by_role("button", name="Wrongly flagged").click()
    dialog = page.get_by_role("dialog", name="Content filter")
    dialog.get_by_label("Comment").fill("It is a game.")
    dialog.get_by_role("button", name="Save the comment").click()
    wait_for(lambda: VerdictFeedback.objects.filter(harmful=False, comment="It is a game.", user=alice).exists())
    dialog.get_by_role("button", name="Close").click()
    page.locator(f"#card-{missed}").click()
    page.keyboard.press("Alt+h")
    expect(dialog.get_by_label("Which text is harmful?")).to_have_value(missed)
    dialog.get_by_label("hate", exact=True).check()
    dialog.get_by_role("button", name="This is harmful").click()
    expect(dialog.get_by_text("A reviewer will read it as harmful (hate)")).to_be_visible()
    dialog.get_by_role("button", name="Close").click()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_contain_text("say that a text is harmful")
    ranking, _ = rankings.submit_ranking(assignment=task, groups=[[cid] for cid in task.order_shown])
    page = visit(rita).open(f"/review/rankings/{ranking.pk}/?order=1")
    page.get_by_role("button", name="Wrongly flagged").click()
    wait_for(lambda: VerdictFeedback.objects.filter(harmful=False, user=rita).exists())


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
