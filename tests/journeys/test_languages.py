"""The pages in German, Spanish and English, and texts written from the right, in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from accounts.models import User
from labeling.models import Assignment, Project, Ranking
from tests import makers
from tests.journeys.conftest import Visits
from tests.journeys.languages import IN_EVERY_LANGUAGE, Language
from tests.journeys.server import wait_for

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

ARABIC = "نهر الإلبه يجري إلى هامبورغ.\n\n- قصير\n- جميل"
WIDE = "(document.scrollingElement.scrollWidth - document.documentElement.clientWidth)"


@IN_EVERY_LANGUAGE
def test_four_are_ranked_in_five_keys(
    visit: Visits, project: Project, alice: User, task: Assignment, language: Language
) -> None:
    language.write(task)
    page = language.visit(visit, alice, project).open()
    page.get_by_role("link", name=re.compile(f"^{language('Continue')}")).first.press("Enter")
    page.wait_for_url(re.compile("/ranking/"))
    language.holds(page.locator("#card-A .prose"))
    for key in ("2", "1", "3"):
        page.keyboard.press(key)
    expect(page.locator("#card-D [data-hint]")).to_have_text(language.script("proposed"))
    wait_for(lambda: len(Assignment.objects.get(pk=task.pk).draft.get("places", {})) >= 3)
    expect(page.get_by_text(re.compile(rf"^{language.script('Saved %s', '')}\d"))).to_be_visible()
    page.keyboard.press("Control+Enter")
    undo = "You can undo for %(done.comparison.project.undo_minutes)s minutes, here or under My work"
    expect(page.get_by_text(language(undo, 10))).to_be_visible()
    a, b, c, d = task.order_shown
    assert Ranking.objects.get().groups == [[b], [a], [c], [d]]
    expect(page.get_by_role("button", name=language("Undo")).first).to_be_visible()
    page.keyboard.press("u")
    page.wait_for_url(re.compile(str(task.pk)))


def test_a_language_is_chosen_in_the_menu_by_keyboard_and_stays(visit: Visits, alice: User, task: Assignment) -> None:
    visitor = visit(alice)
    page = visitor.open("/history/")
    page.locator("summary[aria-label='Menu of alice']").press("Enter")
    page.get_by_role("button", name="Deutsch").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Meine Arbeit")
    assert page.url.endswith("/history/")
    assert page.locator("html").get_attribute("lang") == "de"
    page = visitor.another_tab("/accounts/password/change/")
    assert page.locator("html").get_attribute("lang") == "de"
    expect(page.get_by_role("link", name="Zweiter Faktor")).to_be_visible()
    page.goto(f"{visitor.url}/ranking/{task.pk}/")
    page.keyboard.press("?")
    expect(page.get_by_role("heading", name="Tastatur")).to_be_visible()


def test_a_paragraph_of_arabic_runs_from_the_right_whatever_it_begins_with(
    visit: Visits, project: Project, alice: User
) -> None:
    project.language = "ar"
    project.save()
    begins = "`pip install x` يثبت الحزمة (الأولى).\n\nPython لغة برمجة.\n\n- `ls` يعرض الملفات\n\n```\nif (a):\n```"
    task = makers.make_lease(makers.make_comparison(project, k=2, prompt=begins), alice)
    for place, text in enumerate((begins, "All of it is English (so far).\n\n- `ls`")):
        candidate = task.comparison.candidates.get(index=place)
        type(candidate.completion).objects.filter(pk=candidate.completion_id).update(text=text)
    page = visit(alice).open(f"/ranking/{task.pk}/")
    asked = page.locator("#prompt .written").first
    side = "(all) => all.map((one) => getComputedStyle(one).direction)"
    assert asked.evaluate("(one) => [getComputedStyle(one).direction, getComputedStyle(one).unicodeBidi]") == [
        "rtl", "isolate",
    ]  # fmt: skip
    arabic = page.locator(".card", has_text="Python").locator(".prose")
    assert arabic.locator("p, ul, li").evaluate_all(side) == ["rtl"] * 4
    assert arabic.locator("code").evaluate_all(side) == ["ltr"] * 3
    first, code = (arabic.locator(which).first.bounding_box() for which in ("p", "p code"))
    assert first
    assert code
    assert abs(first["x"] + first["width"] - code["x"] - code["width"]) < 8, "what is read first stands on the right"
    english = page.locator(".card", has_text="All of it").locator(".prose")
    assert english.locator("p, ul").evaluate_all(side) == ["ltr"] * 2


def test_arabic_texts_run_from_the_right_on_a_german_page(visit: Visits, project: Project, alice: User) -> None:
    project.language = "ar"
    project.ask_ideal_answer = True
    project.save()
    task = makers.make_lease(makers.make_comparison(project, k=4, prompt=ARABIC), alice)
    page = visit(alice, locale="de-DE", viewport={"width": 390, "height": 800}).open(f"/ranking/{task.pk}/")
    written = page.locator("#prompt .written").first
    assert [written.get_attribute(name) for name in ("lang", "dir")] == ["ar", "rtl"]
    assert page.locator("html").get_attribute("lang") == "de"
    assert page.evaluate("getComputedStyle(document.body).direction") == "ltr"
    for key in ("2", "1", "3", "4", "n"):
        page.keyboard.press(key)
    assert page.locator("#note").get_attribute("dir") == "rtl"
    page.keyboard.type(ARABIC[:5])
    page.keyboard.press("Control+Enter")
    wait_for(lambda: Ranking.objects.exists())
    assert Ranking.objects.get().note == ARABIC[:5]
    a, b, c, d = task.order_shown
    assert Ranking.objects.get().groups == [[b], [a], [c], [d]]


@pytest.mark.slow
@pytest.mark.parametrize("locale", ["de-DE", "es-ES"])
@pytest.mark.parametrize("width", [320, 1280])
def test_no_page_scrolls_sideways_in_a_language_of_longer_words(
    visit: Visits, project: Project, alice: User, task: Assignment, locale: str, width: int
) -> None:
    two = makers.make_lease(makers.make_comparison(project, k=2), alice)
    chat = makers.make_chat(project, alice, turns=2)
    draft = makers.make_demonstration(project, alice, submit=False)
    done = makers.make_demonstration(project, alice)
    mira = makers.make_member(project, "mira", role="manager")
    own = ["/", "/history/", f"/projects/{project.slug}/guidelines/", f"/projects/{project.slug}/nothing/"]
    own += [f"/ranking/{task.pk}/", f"/ranking/{two.pk}/", *(f"/dialogues/{one.pk}/" for one in (chat, draft, done))]
    own += [f"/accounts/{name}" for name in ("password/change/", "2fa/", "sessions/", "email/")]
    wide = {}
    for user, pages in ((alice, own), (mira, ["/manage/"])):
        visitor = visit(user, locale=locale, viewport={"width": width, "height": 800})
        for path in pages:
            page = visitor.open(path)
            assert page.locator("html").get_attribute("lang") == locale[:2]
            if over := page.evaluate(WIDE):
                wide[path] = over
    assert not wide
