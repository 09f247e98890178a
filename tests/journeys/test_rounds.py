"""A manager looks at the rounds of a project beside each other, in a real browser, and takes a table home."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from accounts.models import User
from labeling import projects
from labeling.models import Comparison, Project
from sampler import registry
from sampler.models import RewardScore
from tests import makers
from tests.insights.makers import make_votes
from tests.journeys.conftest import Visits
from tests.journeys.server import Server

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]
PICTURES = os.environ.get("DUOLOGUE_PICTURES", "")  # a folder to look at the page by hand


def test_rounds_beside_each_other(
    live: Server, project: Project, alice: User, bob: User, mona: User, visit: Visits
) -> None:
    old = makers.make_model("old")
    new = makers.make_model("new-with-a-rather-long-name", parent=old)
    projects.open_round(project=project, policies=[(old, 1.0, {}), (new, 1.0, {})])
    make_votes(project, [alice, bob], [old, new], comparisons=40, votes=2,
               score=lambda rng, model, length, place: model + rng.gumbel())  # fmt: skip
    Comparison.objects.update(split="test")
    reward = registry.register_model(slug="rm-1", engine="hf", location="/nowhere", role="reward")[0]
    for comparison in Comparison.objects.all():
        for candidate in comparison.candidates.select_related("completion__model_version"):
            better = candidate.completion.model_version == new
            RewardScore.objects.create(completion=candidate.completion, model_version=reward, score=float(better))
    visitor = visit(mona)
    page = visitor.open(f"/admin/insights/{project.slug}/")
    page.get_by_role("link", name="Rounds beside each other").click()
    expect(page.get_by_role("heading", name="New against old")).to_be_visible()
    expect(page.get_by_role("term").filter(has_text="Sensitivity to rephrasing")).to_be_visible()
    expect(page.get_by_role("cell", name="rm-1").first).to_be_visible()
    violations = Axe().run(page).response["violations"]
    assert [found for found in violations if found["impact"] in ("serious", "critical")] == []
    for width in (320, 390, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for scheme in ("light", "dark") if PICTURES else ():
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            page.screenshot(path=Path(PICTURES) / f"rounds-{width}-{scheme}.png", full_page=True)
    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile("This table as CSV.*Made-up answers")).click()
    assert download.value.path().read_text().startswith("round,model version,flagged “hallucination”")
