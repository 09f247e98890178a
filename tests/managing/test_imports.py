"""Imports on the manager's site: looked at first, imported by one button, what came in linked, taken back."""

from __future__ import annotations

import base64
import gzip
import json
import random
import time
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEntry, User
from labeling.imports import runs
from labeling.models import Comparison, Dialogue, ImportRun, Project, Prompt
from labeling.tasks import run_import
from managing.pages.importing import in_words, name_of
from tests import makers
from tests.permissions.test_ids import Ids

SITE = "/manage/projects/demo/imports/"
PAIR = {
    "prompt": [{"role": "user", "content": "Is  the *sky* blue?"}],
    "chosen": [{"role": "assistant", "content": "**Yes**, mostly."}],
    "rejected": [{"role": "assistant", "content": "No."}],
}
WRITTEN = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}


@pytest.fixture
def manager(client: Client, mona: User, project: Project) -> Client:
    client.force_login(mona)
    return client


def upload(client: Client, *records: object, name: str = "pairs.jsonl", **said: str) -> ImportRun:
    lines = b"".join((one if isinstance(one, bytes) else json.dumps(one).encode()) + b"\n" for one in records)
    content = gzip.compress(lines) if name.endswith(".gz") else lines
    answer = client.post(SITE, {"file": SimpleUploadedFile(name, content), **said})
    run = ImportRun.objects.latest("created_at")
    assert answer["Location"] == f"{SITE}{name_of(run)}/"
    return run


def read(run: ImportRun) -> ImportRun:
    run_import(str(run.pk))
    run.refresh_from_db()
    return run


def text_of(client: Client, run: ImportRun, path: str = "") -> str:
    return client.get(f"{SITE}{name_of(run)}/{path}").content.decode()


def press(client: Client, run: ImportRun, what: str) -> str:
    return str(client.post(f"{SITE}{name_of(run)}/do/{what}/", follow=True).content.decode())


def test_a_file_is_looked_at_imported_shown_and_taken_back(manager: Client, mona: User) -> None:
    preview = upload(manager, PAIR, b"not json", name="pairs.jsonl.gz")
    assert "It waits to be read." in text_of(manager, preview)
    read(preview)
    page = text_of(manager, preview)
    assert "Import 1 comparison</button>" in page
    assert "<strong>Yes</strong>, mostly." in page  # an answer, as Markdown
    assert "Is  the *sky* blue?" in page  # a user's words, as they are
    assert "Judged: A &gt; B" in page
    assert "1 record refused" in page
    assert not Comparison.objects.exists()
    press(manager, preview, "import")
    run = ImportRun.objects.get(dry_run=False)
    assert (run.requested_by, run.stored_as != "") == (mona, True)
    assert "does not wait any more" in press(manager, preview, "import")
    read(run)
    page = text_of(manager, run)
    assert "1 comparison came in as “pairs”." in page
    assert "See the 1 comparison<" in page
    assert "<strong>Yes</strong>, mostly." in text_of(manager, run, "records/?kind=comparisons")
    assert AuditEntry.objects.filter(action="project.import", actor=mona).count() == 1
    press(manager, run, "take-back")
    assert "is being taken back" in text_of(manager, run)
    assert run_import(str(run.pk)) == "taken back"
    assert "It was taken back." in text_of(manager, run)
    assert not Comparison.objects.exists()
    assert "nothing to take back" in press(manager, run, "take-back")
    assert read(upload(manager, PAIR)).summary["made"] == {"comparisons": 1}  # it can come in again


def test_long_texts_fold_in_the_preview_and_where_they_came_in_each_by_itself(manager: Client) -> None:
    long = "\n\n".join(["The sky is blue."] * 200)
    pair = {
        "prompt": [{"role": "user", "content": long}],
        "chosen": [{"role": "assistant", "content": f"Yes. {long}"}],
        "rejected": [{"role": "assistant", "content": "No."}],
    }
    preview = read(upload(manager, pair, {**PAIR, "prompt": [{"role": "user", "content": f"Why? {long}"}]}))
    pages = [text_of(manager, preview)]
    press(manager, preview, "import")
    pages.append(text_of(manager, read(ImportRun.objects.get(dry_run=False)), "records/?kind=comparisons"))
    for page in pages:
        ids = Ids(page)
        assert page.count('class="fold-toggle sr"') == page.count("Fold it again") == 3
        assert not ids.repeated
        assert ids.meant <= set(ids.found)


def test_what_came_in_under_one_name_is_taken_back_together_and_every_import_says_so(manager: Client) -> None:
    found = []
    for name, words in (("tasks.csv", b"prompt\nOne?"), ("tasks.txt", b"Two?"), ("other.txt", b"Three?")):
        preview = read(upload(manager, words, name=name))
        press(manager, preview, "import")
        found.append(read(ImportRun.objects.filter(dry_run=False).latest("created_at")))
    first, second, other = found
    assert "Other imports of that name are taken back with it." in text_of(manager, second)
    press(manager, second, "take-back")
    assert run_import(str(second.pk)) == "taken back"
    assert [prompt.messages[0]["content"] for prompt in Prompt.objects.all()] == ["Three?"]
    for run, there in ((first, False), (second, False), (other, True)):
        assert ("See the 1 prompt" in text_of(manager, run)) == there
        assert ("It was taken back." in text_of(manager, run)) != there
    assert "nothing to take back" in press(manager, first, "take-back")


def test_what_is_here_already_is_said_and_there_is_no_button(manager: Client) -> None:
    first = upload(manager, WRITTEN, source="hello")
    read(first)
    press(manager, first, "import")
    run = read(ImportRun.objects.get(dry_run=False))
    page = text_of(manager, run, "records/?kind=dialogues")
    assert f"/admin/labeling/dialogue/{Dialogue.objects.get().pk}/review/" in page
    again = read(upload(manager, WRITTEN, source="hello"))
    page = text_of(manager, again)
    assert "all of it is here already" in page
    assert "Import 1" not in page


def test_a_killed_take_back_goes_on_and_a_preview_waits_a_day(manager: Client) -> None:
    preview = read(upload(manager, WRITTEN))
    press(manager, preview, "import")
    run = read(ImportRun.objects.get(dry_run=False))
    press(manager, run, "take-back")
    assert runs.resume() == 1  # the message was lost
    assert run_import(str(run.pk)) == "taken back"
    assert runs.resume() == 0
    waits = read(upload(manager, WRITTEN, name="again.jsonl"))
    assert default_storage.exists(waits.stored_as)
    ImportRun.objects.filter(pk=waits.pk).update(finished_at=timezone.now() - timedelta(days=2))
    runs.resume()
    assert not default_storage.exists(waits.stored_as)
    assert "does not wait any more" in press(manager, waits, "import")
    assert "upload it again" in text_of(manager, waits)


@pytest.mark.slow
def test_six_megabytes_of_gzip_are_a_workers_work_and_the_page_tells_how_far_it_is(
    manager: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def written(number: int) -> dict[str, object]:
        noise = base64.b64encode(random.Random(number).randbytes(1500)).decode()
        return {"messages": [{"role": "user", "content": f"Hi {number}"}, {"role": "assistant", "content": noise}]}

    began = time.monotonic()
    run = upload(manager, *(written(number) for number in range(4_500)), name="many.jsonl.gz")
    assert default_storage.size(run.stored_as) > 6_000_000
    print(f"made and uploaded in {time.monotonic() - began:.1f} s")
    told: list[int] = []
    told_before = runs._report

    def told_now(run: ImportRun, rows: int, percent: int) -> None:
        told_before(run, rows, percent)
        told.append(percent)
        assert f"{percent} % of the file" in text_of(manager, run)

    monkeypatch.setattr(runs, "_report", told_now)
    read(run)
    assert told == sorted(told)
    assert len(set(told)) > 4
    assert "Import 4,500 demonstrations" in text_of(manager, run)


def test_what_cannot_be_read_says_so(manager: Client) -> None:
    run = read(upload(manager, b"PK\x03\x04xyz", name="table.xlsx"))
    assert "zip archive" in text_of(manager, run)
    assert manager.post(SITE, {"source": "x"}).status_code == 422
    for name in ("x", "2026-01-01-00000000"):
        assert manager.get(f"{SITE}{name}/").status_code == 404
    assert manager.get(f"{SITE}{name_of(run)}/records/?kind=rankings").status_code == 404
    assert manager.post(f"{SITE}{name_of(run)}/do/nothing/").status_code == 404


def test_an_import_of_another_project_and_for_a_reviewer_is_not_there(manager: Client, rita: User) -> None:
    other = makers.make_project("other")
    asked: runs.Asked = {"format": "", "kind": "", "source": "s", "encoding": "", "keep": True}
    file = SimpleUploadedFile("x.jsonl", json.dumps(WRITTEN).encode())
    theirs = runs.request(project=other, by=None, file=file, asked=asked, dry_run=True)
    assert manager.get(f"{SITE}{name_of(theirs)}/").status_code == 404
    assert manager.post(f"{SITE}{name_of(theirs)}/do/import/").status_code == 404
    manager.force_login(rita)
    assert manager.get(SITE).status_code == 404


def test_counts_in_words() -> None:
    assert in_words({"comparisons": 1}) == "1 comparison"
    assert in_words({"prompts": 2, "comparisons": 1200, "rankings": 1}) == (
        "2 prompts, 1,200 comparisons and 1 further judgement"
    )
    assert in_words({}) == in_words(None) == ""
