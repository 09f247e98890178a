"""axe-core on every page of the insights and of what the admin site lists beside them, at every width."""

from __future__ import annotations

import pytest

from accounts.models import User
from insights import rounds
from insights.urls import urlpatterns
from labeling import projects
from labeling.feedback import give_feedback
from labeling.models import Project
from moderation import marks
from sampler.models import ModelVersion
from screening.models import Verdict
from tests import makers
from tests.insights.makers import make_votes
from tests.journeys.conftest import Visits
from tests.journeys.screens import EVERY, QUICK, Screen, look

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]
LONG = f"A new model {'w' * 60}"
ELSEWHERE = {"rounds-table", "filter-table", "red-team-table", "table"}  # downloads
UNFOLD = {"overview", "feedback"}  # pages of the library that styles the admin site, with keys of its own
ELSEWHERE |= {"loop"}  # what only a run of demo_loop has


@pytest.fixture
def models() -> list[ModelVersion]:
    old = makers.make_model("old")
    return [old, makers.make_model("new-with-a-rather-long-name", parent=old)]


@pytest.fixture
def pages(project: Project, alice: User, bob: User, mona: User, models: list[ModelVersion]) -> dict[str, str]:
    """Every page of the insights by its route, with figures on it; and the lists that lead to them."""
    projects.change_settings(project=project, title=f"Kind answers {'w' * 150}")
    projects.open_round(project=project, policies=[(model, 1.0, {}) for model in models], note=LONG)
    make_votes(project, [alice, bob], models, comparisons=40, votes=2)
    makers.make_demonstration(project, alice, question=LONG)
    chat = makers.make_chat(project, alice, turns=2)
    turn = chat.turns.filter(role="assistant")[0]
    give_feedback(turn=turn, user=alice, thumb_up=False)
    judged = Verdict.objects.filter(target_id__in=project.dialogues.values("turns"))[0]
    marks.mark(verdict=judged, user=alice, harmful=True, category="violence", comment=LONG)
    rounds.rounds_of(project)
    site = f"/admin/insights/{project.slug}/"
    return {
        "project": site, "of one round": f"{site}?round=1", "progress": f"{site}progress/", "rounds": f"{site}rounds/",
        "red-team": f"{site}red-team/", "filter": f"{site}filter/", "filter of all projects": f"{site}filter/?all=1",
        "overview": "/admin/", "feedback": "/admin/labeling/turnfeedback/",
    }  # fmt: skip


def walk(visit: Visits, mona: User, pages: dict[str, str], screen: Screen) -> dict[str, list[str]]:
    visitor = visit(mona, **screen.options)
    found: dict[str, list[str]] = {}
    for name, path in pages.items():
        found |= look(visitor.open(path), "insights", name, screen, own_keys=name not in UNFOLD)
    return found


@pytest.mark.parametrize("screen", QUICK, ids=str)
def test_every_page_of_the_insights_passes_axe(
    visit: Visits, mona: User, pages: dict[str, str], screen: Screen
) -> None:
    missing = {str(pattern.name) for pattern in urlpatterns} - {*pages} - ELSEWHERE
    assert not missing, "pages without a test"
    assert not walk(visit, mona, pages, screen)


@pytest.mark.slow
@pytest.mark.parametrize("screen", EVERY, ids=str)
def test_every_screen(visit: Visits, mona: User, pages: dict[str, str], screen: Screen) -> None:
    assert not walk(visit, mona, pages, screen)
