"""Exports and insights over the API."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import AuditEntry, User
from exports import runs
from exports.models import ExportRun
from labeling.models import Project
from tests import makers


@pytest.fixture
def finished(
    transactional_db: None, settings: Settings, tmp_path: Path, project: Project, alice: User, mona: User
) -> ExportRun:
    """An export that a worker has written. Committed, as the snapshot of an export needs it."""
    settings.EXPORT_ROOT = tmp_path
    settings.STORAGES = {
        **settings.STORAGES,
        "exports": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path)}},
    }
    makers.make_ranking(makers.make_comparison(project, k=3), alice)
    run = runs.request(project=project, trigger="api", options={"configs": ["preferences"]}, by=mona, ring=False)
    claimed = runs.claim(run_id=str(run.pk))
    assert claimed is not None
    return runs.execute(run=claimed)


def body_of(response: HttpResponseBase) -> bytes:
    assert isinstance(response, StreamingHttpResponse)
    return response.getvalue()


def test_every_file_of_a_finished_export_can_be_downloaded_and_checked(
    finished: ExportRun, mona: User, api: Callable[..., APIClient]
) -> None:
    client = api(mona)
    listed = client.get(f"/api/v1/exports/{finished.pk}/").data
    assert listed["state"] == "finished"
    for file in listed["files"]:
        response = client.get(f"/api/v1/exports/{finished.pk}/files/{file['path']}")
        content = body_of(response)
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file["bytes"], file["sha256"])
        assert response.headers["Content-Length"] == str(file["bytes"])
    manifest = client.get(f"/api/v1/exports/{finished.pk}/files/manifest.json")
    assert json.loads(body_of(manifest))["export_id"] == str(finished.pk)
    assert AuditEntry.objects.filter(action="export.downloaded", actor=mona).exists()


@pytest.mark.parametrize("path", ["../manifest.json", "..%2f..%2fetc/passwd", "/etc/passwd", "none.jsonl", "%00"])
def test_nothing_outside_the_export_can_be_reached(
    finished: ExportRun, mona: User, api: Callable[..., APIClient], path: str
) -> None:
    assert api(mona).get(f"/api/v1/exports/{finished.pk}/files/{path}").status_code == 404


def test_removed_files_are_gone(finished: ExportRun, mona: User, api: Callable[..., APIClient]) -> None:
    runs.remove(run=finished)
    assert api(mona).get(f"/api/v1/exports/{finished.pk}/files/manifest.json").status_code == 410


@pytest.mark.django_db
def test_an_export_is_asked_for_by_a_manager_and_recorded(
    project: Project, mona: User, alice: User, api: Callable[..., APIClient]
) -> None:
    body = {"project": project.slug, "config": ["preferences", "sft"], "shards": 2}
    made = api(mona).post("/api/v1/exports/", body, format="json")
    assert (made.status_code, made.data["state"], made.data["files"]) == (201, "queued", [])
    assert made.data["options"]["configs"] == ["preferences", "sft"]
    assert AuditEntry.objects.filter(action="export.requested", actor=mona).count() == 1
    assert api(alice).post("/api/v1/exports/", body, format="json").status_code == 403
    assert api(makers.make_user("nobody")).post("/api/v1/exports/", body, format="json").status_code == 404
    assert ExportRun.objects.count() == 1
    assert api(alice).get("/api/v1/exports/").data["results"] == []
    assert len(api(mona).get(f"/api/v1/exports/?project={project.slug}").data["results"]) == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    "wrong", [{"config": ["none"]}, {"shards": 0}, {"cutoff": "2999-01-01T00:00:00Z"}, {"options": {"nothing": 1}}]
)
def test_options_that_cannot_be_used_are_refused_with_a_sentence(
    project: Project, mona: User, api: Callable[..., APIClient], wrong: dict[str, object]
) -> None:
    response = api(mona).post("/api/v1/exports/", {"project": project.slug, **wrong}, format="json")
    assert response.status_code == 400
    assert response.data["detail"].endswith(".")


@pytest.mark.django_db
def test_insights_are_the_dashboards_report(
    project: Project, rita: User, alice: User, api: Callable[..., APIClient]
) -> None:
    makers.make_ranking(makers.make_comparison(project, k=3), alice)
    report = api(rita).get(f"/api/v1/projects/{project.slug}/insights/")
    assert (report.status_code, report.data["project"], bool(report.data["as_of"])) == (200, project.slug, True)
    assert api(rita).get(f"/api/v1/projects/{project.slug}/insights/?round=9").status_code == 404
    assert api(rita).get(f"/api/v1/projects/{project.slug}/insights/?round=x").status_code == 400
