"""Exports on the manager's site: the project's preset, progress, one zip and single files, what is refused."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import UTC, datetime

import pytest
from django.http import StreamingHttpResponse
from django.test import Client
from pytest_django import Settings

from accounts.models import AuditEntry, User
from exports import runs, tasks
from exports.formats.base import FORMATS
from exports.models import ExportRun
from exports.renderings.base import RENDERINGS
from labeling.models import Project
from managing import export_words
from managing.export_presets import preset_of
from managing.pages.exporting import name_of
from tests import makers
from tests.exports.test_runs import export_root  # noqa: F401 - a fixture

SITE = "/manage/projects/demo/exports/"
EARLIER = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def manager(client: Client, mona: User, project: Project, alice: User) -> Client:
    project.test_share = 0.0
    project.save(update_fields=["test_share"])
    makers.make_ranking(makers.make_comparison(project), alice)
    client.force_login(mona)
    return client


def taken(client: Client, address: str) -> bytes:
    answer = client.get(address)
    assert isinstance(answer, StreamingHttpResponse), answer.status_code
    return answer.getvalue()


def text_of(client: Client, address: str) -> str:
    return client.get(address).content.decode()


def test_an_export_is_asked_for_watched_and_taken_home_as_a_zip_and_file_by_file(manager: Client, mona: User) -> None:
    answer = manager.post(SITE, {"configs": ["rankings"], "renderings": ["soft"], "include_unsafe": "on"})
    run = ExportRun.objects.get()
    assert answer["Location"] == f"{SITE}{name_of(run)}/"
    assert (run.requested_by, run.options["configs"], run.options["include_verbatim"]) == (mona, ["rankings"], False)
    address = answer["Location"]
    assert "It waits to be written." in text_of(manager, address)
    assert manager.get(f"{address}zip/").status_code == manager.get(f"{address}files/README.md").status_code == 404
    ExportRun.objects.update(state="running", lease_expires_at=run.cutoff, rows_written=3, rows_expected=6)
    part = manager.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "3 of about 6 rows are written" in part
    assert 'value="50"' in part
    assert "<html" not in part
    ExportRun.objects.update(state="queued", lease_expires_at=None)
    assert tasks.run_export(str(run.pk)) == "finished"
    page = text_of(manager, address)
    assert "rankings/train.jsonl" in page
    data = taken(manager, f"{address}files/rankings/train.jsonl")
    archive = zipfile.ZipFile(io.BytesIO(taken(manager, f"{address}zip/")))
    assert archive.testzip() is None
    folder = name_of(run)
    assert archive.read(f"{folder}/rankings/train.jsonl") == data
    assert json.loads(archive.read(f"{folder}/manifest.json"))["export_id"] == str(run.pk)
    listed = archive.read(f"{folder}/SHA256SUMS").decode().splitlines()
    assert {line.split("  ")[1] for line in listed} < {
        one.filename.removeprefix(f"{folder}/") for one in archive.filelist
    }
    for missing in ("rankings/none.jsonl", "../secret_key"):
        assert manager.get(f"{address}files/{missing}").status_code == 404
    assert AuditEntry.objects.filter(action="export.downloaded", actor=mona).count() == 2
    manager.post(f"{address}do/remove/")
    run.refresh_from_db()
    assert run.state == "removed"
    assert "Its files were removed." in text_of(manager, address)
    assert manager.get(f"{address}zip/").status_code == 404


def test_the_preset_of_the_project_fills_the_form_and_holds_every_field(manager: Client, project: Project) -> None:
    makers.bring(project, "hh")
    chosen = {
        "configs": ["rankings", "sft"], "redact": "on", "round": "1", "consensus": "borda", "mix": "hh=0.5",
        "shards": "3", "compress": "zstd", "min_label_weight": "0.25", "keep": "1",
    }  # fmt: skip
    assert manager.post(SITE, chosen)["Location"] == SITE
    assert not ExportRun.objects.exists()
    page = manager.get(SITE)
    shown = {field.name: field.value() for field in page.context["form"]}
    del chosen["keep"]
    for name, value in chosen.items():
        said = shown[name]
        assert said is True if value == "on" else said == value if isinstance(value, list) else str(said) == value, name
    assert shown["include_unsafe"] is False
    again = {name: value for name, value in shown.items() if value not in (False, None, "")}
    assert manager.post(SITE, again).status_code == 302
    assert ExportRun.objects.get().options == preset_of(project).to_dict()


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ({"mix": "hh"}, "“hh” is not"),
        ({"mix": "hh=1, alpaca=0"}, "“alpaca=0” is not"),
        ({"mix": "hh=1, typo=1"}, "No import is called “typo”. There are: brought, hh."),
        ({"consensus": "borda", "since": "2026-01-01T00:00:00+00:00"}, "choose one of the two"),
        ({"round": "77"}, "77 is not one of the available choices"),
        ({"cutoff": "2999-01-01T00:00"}, "it must be in the past"),
        ({"min_agreement": "2"}, "less than or equal to 1"),
        ({"configs": ["nothing"]}, "nothing is not one of the available choices"),
    ],
)
def test_what_cannot_be_is_answered_at_its_field(
    manager: Client, project: Project, said: dict[str, str], answer: str
) -> None:
    makers.bring(project, "hh")
    earlier = runs.request(project=project, trigger="api", ring=False)
    ExportRun.objects.filter(pk=earlier.pk).update(
        state="finished", manifest={"files": []}, finished_at=EARLIER, cutoff=EARLIER
    )
    page = manager.post(SITE, said)
    assert page.status_code == 422
    (field,) = page.context["form"].errors
    assert field in said, "it stands at its field"
    told = page.content.decode()
    assert answer in told
    assert f'id="id_{field}_error"' in told
    if any(name in page.context["form"].folded for name in said):
        assert '<details class="fold" open>' in told
    assert ExportRun.objects.get() == earlier


def test_a_failed_one_is_tried_again_and_others_find_nothing(manager: Client, project: Project, rita: User) -> None:
    run = runs.request(project=project, trigger="api", ring=False)
    ExportRun.objects.update(state="failed", error="The disk was full.")
    address = f"{SITE}{name_of(run)}/"
    assert "The disk was full." in text_of(manager, address)
    assert manager.post(f"{address}do/again/").status_code == 302
    run.refresh_from_db()
    assert run.state == "queued"
    assert manager.post(f"{address}do/nothing/").status_code == 404
    for name in ("2026-01-01-00000000", name_of(run)[:-1] + "x", f"{name_of(run)}0", "x"):
        assert manager.get(f"{SITE}{name}/").status_code == 404
    manager.force_login(rita)  # reviews, and does not manage
    for path in ("", f"{name_of(run)}/", f"{name_of(run)}/zip/"):
        assert manager.get(f"{SITE}{path}").status_code == 404


def test_everything_that_can_be_exported_has_a_title_and_a_sentence_in_each_language(manager: Client) -> None:
    assert next(export_words.configs())[0] == "preferences"
    assert set(export_words.CONFIGS) == set(FORMATS.choices())
    assert set(export_words.OF_PROGRAMS) == set(RENDERINGS.choices())
    manager.cookies["language"] = "de"
    page = text_of(manager, SITE)
    assert "Bessere und schlechtere Antworten, in Paaren (preferences): Damit werden" in page
    assert "jede Stimme ist eine eigene Zeile" in page  # a choice of a list, which Django draws


def test_a_push_is_offered_only_where_one_is_allowed(
    manager: Client, project: Project, mona: User, settings: Settings
) -> None:
    run = runs.request(project=project, trigger="admin", by=mona, ring=False)
    assert tasks.run_export(str(run.pk)) == "finished"
    address = f"{SITE}{name_of(run)}/"
    assert "Push it to" not in text_of(manager, address)
    settings.HUB_TOKEN, settings.HUB_NAMESPACES = "x", {"acme": frozenset()}
    assert "Push it to" in text_of(manager, address)
