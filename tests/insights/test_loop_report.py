"""The page of a run of `demo_loop`: what its report says is there, also where a figure is missing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from common.shapes import Json, JsonObject
from labeling import projects
from labeling.models import Project
from tests import makers

pytestmark = pytest.mark.django_db
SHARE: JsonObject = {"value": 0.8, "low": 0.75, "high": 0.86, "pairs": 204, "topics": 10}
NONE: JsonObject = {"value": None, "low": None, "high": None, "pairs": 0, "topics": 0}
SAID: JsonObject = {"answers": 144, "measure": 1.13, "characters": 122.75, "ended": 0.94}


def report(*, by_ppo: bool) -> JsonObject:
    history: list[Json] = [
        {"iteration": n, "reward": 0.9 + n, "rule_win_rate": 0.5 + n / 10 if n < 2 else None, "kl": 0.6 * n,
         "tokens": 24.0, "ended": 0.96, "perplexity": 18.0}
        for n in range(3)
    ]  # fmt: skip
    return {
        "rule": "the fewer commas the better", "settings": {"seed": 3, "train": "ppo", "swapped": False},
        "seconds": 2249, "rounds": [{
            "round": 1, "old": "smollm2", "new": "loop-x-policy-1", "kl": 1.59, "perplexity": 19.55,
            "rm_accuracy": {**SHARE, "value": 0.993, "pairs": 283},
            "held_out": {"trainers": SHARE, "rule": SHARE, "old": SAID, "new": SAID},
            "trained_on": {"trainers": NONE, "rule": NONE, "old": SAID, "new": SAID},
            "checks": [{"check": "length", "value": 0.53, "bound": "0.6 to 1.3", "holds": False},
                       {"check": "KL", "value": 1.59, "bound": "<= 6.0", "holds": True}],
            "best_of": [{"n": 1, "kl": 0.0, "win_rate": 0.5}, {"n": 2, "kl": 0.19, "win_rate": 0.71}],
            "iterations": history if by_ppo else [],
        }],
    }  # fmt: skip


@pytest.fixture
def run(settings: Settings, tmp_path: Path, mona: User) -> Project:
    settings.MODEL_ROOT = tmp_path
    project = makers.make_project("loop-1")
    projects.set_membership(project=project, user=mona, role="manager")
    (tmp_path / "loop-1").mkdir()
    return project


@pytest.mark.parametrize("by_ppo", [True, False])
def test_the_page_shows_a_runs_report(by_ppo: bool, run: Project, tmp_path: Path, mona: User, client: Client) -> None:
    client.force_login(mona)
    assert client.get("/admin/insights/loop-1/loop/").status_code == 404  # nothing is written yet
    (tmp_path / "loop-1" / "report.json").write_text(json.dumps(report(by_ppo=by_ppo)))
    page = client.get("/admin/insights/loop-1/loop/").content.decode()
    for words in ("80.0%", "99.3% of 283 held-out pairs", "1 of 2 bounds do not hold", "does not hold", "2249 s"):
        assert words in page
    assert ("Reward against the rule, round 1" in page) is by_ppo
    assert "/admin/insights/loop-1/loop/" in client.get("/admin/insights/loop-1/").content.decode()


def test_other_projects_have_no_such_page(
    project: Project, settings: Settings, tmp_path: Path, mona: User, client: Client
) -> None:
    """Also where a folder is called as they are."""
    settings.MODEL_ROOT = tmp_path
    (tmp_path / project.slug).mkdir()
    (tmp_path / project.slug / "report.json").write_text(json.dumps(report(by_ppo=True)))
    client.force_login(mona)
    assert client.get(f"/admin/insights/{project.slug}/loop/").status_code == 404
    assert "/loop/" not in client.get(f"/admin/insights/{project.slug}/").content.decode()
