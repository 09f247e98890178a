"""Covered texts and what a person does not want to meet, in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from accounts.models import User
from labeling import projects
from labeling.models import Assignment, Project, Ranking
from moderation import verdicts
from moderation.models import Verdict
from tests import makers
from tests.journeys.conftest import Visits
from tests.journeys.screens import keys_taken

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


def test_a_covered_answer_is_revealed_before_it_is_placed_and_who_opts_out_meets_none(
    visit: Visits, alice: User, project: Project
) -> None:
    projects.change_settings(project=project, cover="flagged")
    task = makers.make_lease(makers.make_comparison(project, k=3), alice)
    completion = task.comparison.candidates.get(completion=task.order_shown[0]).completion
    completion.text = "I will kill you tomorrow."
    completion.save(update_fields=["text"])
    Verdict.objects.filter(target_id=completion.pk).delete()
    verdicts.screen(project, "patterns")
    page = visit(alice).open(f"/ranking/{task.pk}/")
    text = page.locator("#card-A .prose")
    expect(text).to_be_hidden()
    expect(page.locator("#card-B .prose")).to_be_visible()
    assert not keys_taken(page)
    page.reload()
    page.keyboard.press("Alt+p")
    paused = page.get_by_role("dialog", name="Paused")
    expect(paused).to_be_visible()
    seconds = page.locator("[data-seconds]").input_value()
    page.mouse.move(100, 100)
    page.wait_for_timeout(1500)
    assert page.locator("[data-seconds]").input_value() == seconds
    page.keyboard.press("Enter")
    expect(paused).to_be_hidden()
    page.keyboard.press("1")
    expect(page.get_by_text("Show the text of A before you give it a place.")).to_be_visible()
    assert page.locator("#place-A").input_value() == ""
    page.keyboard.press("a")
    page.keyboard.press("z")
    expect(text).to_be_visible()
    expect(page.get_by_label("Show the text")).to_be_checked()
    page.keyboard.press("1")
    assert page.locator("#place-A").input_value() == "1"
    for keys in ("b", "2", "c", "3"):
        page.keyboard.press(keys)
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile("/nothing/"))
    assert Ranking.objects.get().groups == [[one] for one in task.order_shown]

    bad = makers.make_lease(makers.make_comparison(project, prompt="I will kill you tomorrow."), alice)
    page.goto(page.url.split("/projects/")[0] + "/opted-out/")
    page.get_by_label("violence", exact=True).check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved. Tasks with such texts go to others.")).to_be_visible()
    assert Assignment.objects.get(pk=bad.pk).state == "expired"
    page.goto(page.url.split("/opted-out/")[0] + "/")
    expect(page.get_by_text("Nothing wants ranking just now.")).to_be_visible()
