"""A manager appoints a model as a judge, sees how far it agrees with people, and dismisses it, in a real browser."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import expect

from accounts.models import User
from insights import rounds
from labeling.ai_judges import asking, settling
from labeling.models import AiJudgement, Project
from sampler import registry
from tests import makers
from tests.journeys.conftest import Visits
from tests.journeys.screens import wrong
from tests.journeys.server import Server
from tests.sampler.conftest import serving

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


def judge_everything() -> None:
    """As beat does, with a worker that serves the judge."""
    with serving("solomon"):
        end = time.monotonic() + 90
        while asking.ask() or settling.settle() or AiJudgement.objects.filter(judged_at__isnull=True).exists():
            assert time.monotonic() < end
            time.sleep(0.1)


def test_a_model_judges_and_is_held_against_people(
    live: Server, project: Project, alice: User, bob: User, mona: User, visit: Visits
) -> None:
    registry.register_model(slug="solomon", engine="fake", location="say=VERDICT: 1")
    for number in range(8):
        comparison = makers.make_comparison(project, k=3, votes=2)
        makers.make_ranking(comparison, alice, groups=[[0], [1], [2]])
        makers.make_ranking(comparison, bob, groups=[[0], [2], [1]] if number % 3 else [[0], [1], [2]])
    page = visit(mona).open(f"/manage/projects/{project.slug}/")
    page.locator("summary", has_text="Set up").click()
    page.get_by_role("link", name="AI judges").click()
    expect(page.get_by_text("No model judges here.")).to_be_visible()
    page.get_by_label("Model").select_option("solomon")
    page.get_by_label("Share of the comparisons").fill("100")
    prompt = page.get_by_label("What it reads").input_value()
    page.get_by_label("What it reads").fill("Which is better?")
    page.get_by_role("button", name="Let it judge").click()
    expect(page.get_by_text("The prompt has to hold {conversation} exactly once.")).to_be_visible()
    page.get_by_label("What it reads").fill(prompt)
    page.get_by_role("button", name="Let it judge").click()
    expect(page.get_by_text("solomon judges from now on.")).to_be_visible()
    judge_everything()
    rounds.rounds_of(project)
    page.reload()
    expect(page.get_by_text("100% of the comparisons; 8 judged of 8 asked about.")).to_be_visible()
    leaning = page.get_by_role("definition").filter(has_text="100%")
    expect(leaning.first).to_be_visible()  # whatever stands first
    assert not wrong(page, "manager", "AI judges")
    page.get_by_role("link", name="rounds beside each other").click()
    expect(page.get_by_role("heading", name="AI judges and people")).to_be_visible()
    assert not wrong(page, "insights", "rounds, with an AI judge")
    page.go_back()
    page.get_by_role("button", name="Dismiss judge 1").click()
    expect(page.get_by_text("Judge 1 is asked no more. What it said stays.")).to_be_visible()
    expect(page.get_by_text("dismissed", exact=True)).to_be_visible()
