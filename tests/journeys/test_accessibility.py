"""axe-core on every trainer page, light and dark, and at the widths that the design was made for."""

from __future__ import annotations

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from accounts.models import Notice, User
from labeling import chats, comparisons, dialogues, projects, questions, terms, turns
from labeling.feedback import give_feedback
from labeling.models import Comparison, Dialogue, Project
from labeling.quality import reviews
from labeling.red_team import attempts, published
from labeling.suggestions import request_suggestions
from moderation import verdicts
from screening import rules
from tests import makers
from tests.journeys import shown
from tests.journeys.conftest import Visits
from tests.journeys.screens import EVERY, QUICK, WIDTHS, Screen, issues, keys_taken, look
from tests.journeys.server import Server

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]
RICH = (
    "# Head\n\n- a\n- b\n\n| x | y |\n|---|---|\n| 1 | 2 |\n\n"
    f"```python\nprint('x')  # {'y' * 200}\n```\n\nText $a_b$ שלום.\n\n1. שלום\n\n{'w' * 200}"
)


@pytest.fixture
def pages(live: Server, project: Project, alice: User, rita: User) -> dict[str, str]:
    """Every trainer page's address, with something on it."""
    project.daily_goal = 12
    project.title = f"Kind answers {'w' * 150}"
    project.ask_strength = project.ask_ideal_answer = True
    project.span_categories = ["wrong", "made up"]
    project.save()
    comparison, _ = comparisons.bring(
        project=project,
        prompt=[{"role": "system", "content": "Be kind."}, {"role": "user", "content": RICH}],
        completions=[{"text": RICH + letter} for letter in "abc"] + [{"text": "long " * 4000}],
    )
    task = makers.make_lease(comparison, alice)
    nine, two = (makers.make_lease(makers.make_comparison(project, k=k), alice) for k in (9, 2))
    ranked = makers.make_ranking(makers.make_comparison(project, votes=2), alice)
    returned = makers.make_ranking(makers.make_comparison(project), alice)
    reviews.decide(reviewer=rita, decision="returned", ranking=returned, comment="Look again at B.")
    chat = makers.make_chat(project, alice, turns=2)
    replied = chat.turns.filter(role="assistant")[0]
    give_feedback(turn=replied, user=alice, thumb_up=False)
    demonstration = makers.make_demonstration(project, alice, submit=False, question=RICH)
    request = request_suggestions(dialogue=demonstration, role="user")[0]
    makers.answer(request, "One.", "Two.", "Three.")
    composer = {"role": "user", "text": "draft", "requests": [str(request.pk)]}
    turns.save_composer(dialogue=demonstration, composer=composer)
    done = makers.make_demonstration(project, alice)
    as_the_docs_show_it = shown.pages(alice)
    tried = red_team(project, alice)
    asked_and_published(project, comparison, alice)
    return (
        {
            "home": "/",
            "ranking": f"/ranking/{task.pk}/",
            "ranking of nine": f"/ranking/{nine.pk}/",
            "compare": f"/ranking/{task.pk}/compare/?a=A&b=B",
            "panel of the content filter": f"/content/ranking/{task.pk}/",
            "ranked": f"/ranking/{ranked.assignment_id}/",
            "mend": f"/returned/{returned.pk}/",
            "nothing": f"/projects/{project.slug}/nothing/",
            "chat": f"/dialogues/{chat.pk}/",
            "red-team chat": f"/dialogues/{tried[0].pk}/",
            "red-team chat handed in": f"/dialogues/{tried[1].pk}/",
            "demonstration": f"/dialogues/{demonstration.pk}/",
            "report of a reply": f"/dialogues/{chat.pk}/turns/{replied.pk}/report/",
            "what is kept": f"/projects/{project.slug}/kept/",
            "dialogue": f"/dialogues/{done.pk}/",
            "history": "/history/",
            "numbers": "/numbers/",
            "notices": "/notices/",
            "questions": f"/ranking/{task.pk}/questions/",
            "guidelines": f"/projects/{project.slug}/guidelines/",
            "work languages": "/work-languages/",
            "opted out": "/opted-out/",
            "terms": f"/projects/{project.slug}/terms/",
            "agree": f"/projects/{project.slug}/agree/?then=ranking",
            "ranking of two": f"/ranking/{two.pk}/",
        }
        | as_the_docs_show_it
        | of_the_account(alice)
    )


def of_the_account(alice: User) -> dict[str, str]:
    """Its pages, and what a notice of a project leads to that she does not belong to."""
    elsewhere, name = makers.make_project("elsewhere"), f"Elsewhere {'w' * 150}"
    found = Notice.objects.create(
        user=alice, project_id=elsewhere.pk, kind="guidelines", key="closed", subject=name, address="/",
        read_at=timezone.now(),
    )  # fmt: skip
    closed = {"notice of what is closed": f"/notices/{found.pk}/open/"}
    return closed | {name: f"/accounts/{name}" for name in ACCOUNT}


DIALOGS = ("[data-open-keys]", "[data-mark]", "[data-harm]", "button[form=compare-form]")


def asked_and_published(project: Project, comparison: Comparison, alice: User) -> None:
    mona = makers.make_member(project, "mona", role="manager")
    for about in (comparison, None):
        words = f"Which counts more? {'w' * 200}"
        asked = questions.ask(by=alice, text=words, project=project, comparison=about)
        questions.answer(question=asked, by=mona, text=f"Truth. {'w' * 200}", for_everybody=True)
        questions.ask(by=alice, text="And why?", project=project, comparison=about)
    projects.publish_guidelines(project=project, text=f"# Guidelines\n\nBe short.\n\n{'w' * 200}", note="Shorter")
    terms.publish_terms(project=project, text=RICH)
    terms.accept_terms(project=project, person=alice, number=1)


def red_team(project: Project, alice: User) -> list[Dialogue]:
    """One with a reply that the content filter blocks, and one that is handed in."""
    projects.change_settings(project=project, task_types=[*project.task_types, "red_team"])
    rules.set_threshold(project=project.pk, filter="patterns", category="violence", warn_at=0.3, block_at=0.8)
    published.publish_rule(
        project=project, name="Threats", sentence=f"Never threaten. {'w' * 200}", category="violence"
    )
    made = [dialogues.start_dialogue(project=project, author=alice, kind="red_team") for _ in range(2)]
    for chat in made:
        makers.answer(chats.send_message(dialogue=chat, text="Say it: I will kill you."), "I will kill you.")
        turn = chats.store_reply(dialogue=chat)
        assert turn is not None
        verdicts.screen(project, "patterns")
        attempts.say(dialogue=chat, outcome="broken", turn=turn.pk, strategies=["role play"], how=RICH, severity=3)
    dialogues.submit_dialogue(dialogue=made[1])
    return made


ACCOUNT = ("password/change/", "2fa/", "2fa/totp/activate/", "sessions/", "email/")


def walk(visit: Visits, alice: User, pages: dict[str, str], screen: Screen) -> dict[str, list[str]]:
    visitor = visit(alice, **screen.options)
    found: dict[str, list[str]] = {}
    for name, path in pages.items():
        page = visitor.open(path)
        found |= look(page, "trainer", name, screen)
        for opener in DIALOGS:
            button = page.locator(opener).first
            if button.count() and button.get_attribute("hidden") is None:
                button.dispatch_event("click")
                found |= in_dialog(page, f"{name}, {opener}")
                page.evaluate("document.querySelector('dialog[open]').close()")
    return found | paused_and_signed_out(visitor.open(pages["ranking"]))


def in_dialog(page: Page, name: str) -> dict[str, list[str]]:
    """What is wrong with the dialog that a page opens."""
    page.locator("dialog[open]").wait_for()
    found = issues(page, name)
    if page.locator("dialog[open]").evaluate("element => element.scrollWidth > element.clientWidth"):
        found.setdefault(name, []).append("scrolls sideways")
    if taken := keys_taken(page):
        found.setdefault(name, []).extend(taken)
    return found


def paused_and_signed_out(page: Page) -> dict[str, list[str]]:
    """What is wrong with the pause, and with the dialog over a page whose session has ended: as it opens, and when it
    was refused."""
    page.keyboard.press("Alt+p")
    found = in_dialog(page, "pause")
    page.evaluate("document.querySelector('dialog[open]').close()")
    Session.objects.all().delete()
    page.locator("#note").fill("Kept.")
    found |= in_dialog(page, "signing in again")
    page.route("**/login/", lambda route: route.abort())
    page.locator("#relogin-password").fill("wrong")
    page.locator("#login button.primary").click()
    expect(page.locator("[data-login-errors]")).not_to_be_empty()
    return found | in_dialog(page, "signing in again, refused")


@pytest.mark.parametrize("screen", QUICK, ids=str)
def test_axe_finds_no_serious_or_critical_issue(
    visit: Visits, alice: User, pages: dict[str, str], screen: Screen
) -> None:
    assert not walk(visit, alice, pages, screen)


@pytest.mark.slow
@pytest.mark.parametrize("screen", EVERY, ids=str)
def test_every_screen(visit: Visits, alice: User, pages: dict[str, str], screen: Screen) -> None:
    assert not walk(visit, alice, pages, screen)


def test_axe_finds_no_serious_or_critical_issue_where_nobody_is_signed_in(browser: Browser, live: Server) -> None:
    context = browser.new_context()
    page = context.new_page()
    found: dict[str, list[str]] = {}
    for path in ("/accounts/login/", "/accounts/password/reset/", "/no-such-page/"):
        page.goto(live.url + path)
        found |= issues(page, path)
    context.close()
    assert not found


@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_scrolls_sideways(visit: Visits, alice: User, pages: dict[str, str], width: int) -> None:
    visitor = visit(alice, viewport={"width": width, "height": 800})
    wide = []
    for name, path in pages.items():
        page = visitor.open(path)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wide.append(name)
    assert not wide


def test_wherever_the_tab_key_leads_the_focus_can_be_seen(visit: Visits, alice: User, pages: dict[str, str]) -> None:
    visitor = visit(alice)
    for name in ("home", "ranking", "demonstration", "chat"):
        page = visitor.open(pages[name])
        for _ in range(60):
            page.keyboard.press("Tab")
            seen = page.evaluate(
                """() => { const el = document.activeElement; if (!el || el === document.body) return "end";
                const shown = (node) => { const style = getComputedStyle(node);
                  const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
                  return ring || style.boxShadow !== "none"; };
                const label = el.labels && [...el.labels].some(shown), next = el.nextElementSibling;
                const box = el.closest(".composer, .card, .text");
                const any = shown(el) || label || (next && shown(next)) || (box && shown(box));
                return any ? "" : el.outerHTML.slice(0, 200); }"""
            )
            if seen == "end":
                break
            assert not seen, f"{name}: no visible focus on {seen}"
