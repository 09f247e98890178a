"""A stand-in of the Hub, and an export to push."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from accounts.models import User
from exports import runs
from exports.models import ExportRun
from labeling.models import Project
from tests import makers
from tests.exports.test_runs import export_root  # noqa: F401 - a fixture
from tests.stand_ins.hub import TOKEN, HubServer, hub_server


@pytest.fixture
def hub(settings: Settings) -> Iterator[HubServer]:
    with hub_server() as server:
        settings.HUB_ENDPOINT, settings.HUB_TOKEN = server.url, TOKEN
        settings.HUB_NAMESPACES = {"acme": frozenset(), "lab": frozenset({"poems"})}
        yield server


@pytest.fixture
def run(project: Project, alice: User) -> ExportRun:
    project.test_share = 0.0
    project.save(update_fields=["test_share"])
    makers.make_ranking(makers.make_comparison(project), alice)
    return exported(project)


def exported(project: Project, **options: object) -> ExportRun:
    asked = runs.request(project=project, trigger="admin", options=options, ring=False)
    claimed = runs.claim(run_id=str(asked.pk))
    assert claimed is not None
    return runs.execute(run=claimed)
