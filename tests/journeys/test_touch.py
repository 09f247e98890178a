"""By finger alone: four ranked by taps, two by one tap, and a demonstration."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from labeling.models import Assignment, Dialogue, Project, Ranking
from tests import makers
from tests.journeys.conftest import Visits
from tests.journeys.languages import IN_EVERY_LANGUAGE, PHONE, Language
from tests.journeys.server import wait_for

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


def tap(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).tap()


@IN_EVERY_LANGUAGE
def test_four_are_ranked_by_taps(
    visit: Visits, project: Project, alice: User, task: Assignment, language: Language
) -> None:
    language.write(task)
    page = language.visit(visit, alice, project, **PHONE).open("/")
    page.get_by_role("link", name=language("Continue")).tap()
    for letter, place in (("A", 2), ("B", 1), ("C", 2), ("D", 3)):
        tap(page, language.script("%s in place {n}", letter, place))
    places = language.script("1st 2nd 3rd 4th 5th 6th 7th 8th 9th").split()
    tap(page, f"C, {places[1]}. {language.script('Choose it, then a place')}")
    tap(page, places[3])
    page.locator(".actions button.primary").tap()
    expect(page.get_by_text("The second question?")).to_be_visible()
    a, b, c, d = task.order_shown
    assert Ranking.objects.get().groups == [[b], [a], [d], [c]]


@IN_EVERY_LANGUAGE
def test_of_two_the_better_one_is_tapped(visit: Visits, project: Project, alice: User, language: Language) -> None:
    task = makers.make_lease(makers.make_comparison(project, k=2), alice)
    language.write(task)
    page = language.visit(visit, alice, project, **PHONE).open(f"/ranking/{task.pk}/")
    better = page.get_by_role("button", name=language("B is better"))
    better.tap()
    expect(better).to_have_attribute("aria-pressed", "true")
    page.locator(".actions button.primary").tap()
    expect(page.get_by_text(language("Ranking submitted."))).to_be_visible()
    a, b = task.order_shown
    assert Ranking.objects.get().groups == [[b], [a]]


def test_a_demonstration_is_written_and_submitted(visit: Visits, project: Project, alice: User) -> None:
    page = visit(alice, **PHONE).open("/")
    tap(page, "Begin a dialogue")
    for text in ("What is tide?", "The sea, pulled by the moon."):
        page.locator("#composer-text").tap()
        page.keyboard.insert_text(text)
        page.get_by_role("button", name="Add the turn").tap()
        expect(page.locator(".turn").get_by_text(text).first).to_be_visible()
    page.get_by_role("button", name="Submit").tap()
    wait_for(lambda: Dialogue.objects.get().state == "submitted")
    dialogue = Dialogue.objects.get()
    assert [turn.text for turn in dialogue.turns.order_by("position")] == [
        "What is tide?", "The sea, pulled by the moon.",
    ]  # fmt: skip
