"""An uploaded file is a worker's task: stored, read as a stream, reported; killed, it goes on or says why not."""

from __future__ import annotations

import gzip
import json
import random
import threading
import time
from datetime import timedelta
from unittest.mock import patch

import psutil
import pytest
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from labeling.imports import running, runs
from labeling.models import Dialogue, ImportRun, Project, Turn
from labeling.tasks import resume_imports, run_import
from tests import makers

pytestmark = pytest.mark.django_db


def records(count: int) -> bytes:
    return b"".join(
        json.dumps({"instruction": f"Question {number}?", "input": "", "output": f"Answer {number}."}).encode() + b"\n"
        for number in range(count)
    )


def asked(
    project: Project, content: bytes, *, name: str = "mine.jsonl", dry_run: bool = False, **more: str
) -> ImportRun:
    wanted: runs.Asked = {"format": "", "kind": "", "source": "mine", "encoding": ""}
    wanted.update(more)  # type: ignore[typeddict-item]
    return runs.request(project=project, by=None, file=SimpleUploadedFile(name, content), asked=wanted, dry_run=dry_run)


def done(run: ImportRun) -> ImportRun:
    run_import(str(run.pk))
    run.refresh_from_db()
    return run


def test_a_file_comes_in_and_is_not_kept(project: Project) -> None:
    run = asked(project, records(3) + b"not json\n")
    assert default_storage.exists(run.stored_as)
    done(run)
    assert (run.state, run.records_read, run.percent) == ("finished", 4, 100)
    assert (run.summary["imported"], run.summary["rejected"]) == (3, 1)
    assert not default_storage.exists(run.stored_as)
    again = done(asked(project, records(3)))
    assert (again.summary["imported"], again.summary["already_there"]) == (0, 3)
    assert Dialogue.objects.count() == 3


def test_a_killed_worker_s_import_goes_on_and_nothing_is_doubled(project: Project) -> None:
    run = asked(project, records(25))

    def killed(run: ImportRun, rows: int, percent: int) -> None:
        if rows >= 20:
            raise KeyboardInterrupt

    with patch.object(running, "BATCH", 10):
        with patch.object(runs, "_report", killed), pytest.raises(KeyboardInterrupt):
            run_import(str(run.pk))
        run.refresh_from_db()
        assert (run.state, Dialogue.objects.count()) == ("running", 20)
        assert run_import(str(run.pk)) == "nothing to do"  # its lease has not run out
        ImportRun.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1), records_read=20)
        assert resume_imports() == 1
        done(run)
    assert (run.state, run.attempts, run.read_before) == ("finished", 2, 20)
    assert (run.summary["imported"], run.summary["already_there"]) == (5, 20)
    assert (Dialogue.objects.count(), Turn.objects.count()) == (25, 50)


def test_an_import_that_kills_its_worker_three_times_ends_with_a_sentence(project: Project) -> None:
    run = asked(project, records(1))
    past = timezone.now() - timedelta(seconds=1)
    ImportRun.objects.update(state="running", attempts=3, lease_expires_at=past)
    assert resume_imports() == 0
    run.refresh_from_db()
    assert (run.state, run.error) == ("failed", runs.ENDED_EARLY.format(3))
    assert not default_storage.exists(run.stored_as)


def test_who_lost_the_lease_stops_and_ends_nothing(project: Project) -> None:
    run = asked(project, records(3))
    first = runs.claim(pk=run.pk)
    assert first is not None
    ImportRun.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    second = runs.claim(pk=run.pk)
    assert second is not None
    with pytest.raises(runs.LostLease):
        runs.execute(run=first)
    assert runs.execute(run=second).state == "finished"
    assert Dialogue.objects.count() == 3


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"PK\x03\x04 and so on", "zip archive"),
        (gzip.compress(records(2))[:-12], "damaged"),
        (gzip.compress(b'{"instruction": "' + b"a" * 150_000_000 + b'"}'), "decompression bomb"),
        (b'{"nothing": "known"}\n', "no format known"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_sentence(project: Project, content: bytes, sentence: str) -> None:
    run = done(asked(project, content))
    assert run.state == "failed"
    assert sentence in run.error


def test_a_fault_of_ours_is_said_and_logged(project: Project) -> None:
    run = asked(project, records(1))
    with patch.object(running, "run", side_effect=ZeroDivisionError):
        done(run)
    assert (run.state, run.error) == ("failed", runs.BROKE.format(0))
    gone = asked(project, records(1))
    default_storage.delete(gone.stored_as)
    assert "upload it again" in done(gone).error


def test_whatever_stands_in_a_file_its_report_is_stored_and_shown(client: Client, project: Project, mona: User) -> None:
    odd = {"instruction": "a\u0000b\ud800<script>", "input": "", "output": "c\u0000", "\ud800\u0000field": 1}
    run = done(asked(project, json.dumps(odd).encode() + b"\n" + records(1) + b"\x00\xff\n", dry_run=True))
    assert run.state == "finished"
    client.force_login(mona)
    page = client.get(reverse("admin:labeling_project_import", args=[project.pk]) + f"?run={run.pk}")
    assert page.status_code == 200
    assert b"<script>" not in page.content.replace(b'<script src="', b"")
    assert Dialogue.objects.count() == 0


def test_an_import_is_seen_by_managers_of_its_project_only(client: Client, project: Project, mona: User) -> None:
    elsewhere = asked(makers.make_project("elsewhere"), records(1))
    client.force_login(mona)
    address = reverse("admin:labeling_project_import", args=[project.pk])
    for wrong in (str(elsewhere.pk), "nonsense", "\x00"):
        assert client.get(address, {"run": wrong}).status_code == 404
    mine = asked(project, records(2))
    ImportRun.objects.filter(pk=mine.pk).update(
        state="running", records_read=7, percent=40, lease_expires_at=timezone.now() + timedelta(minutes=1)
    )
    part = client.get(address, {"run": str(mine.pk)}, headers={"HX-Request": "true"}).content.decode()
    assert "7 records read, 40 % of the file" in part
    assert "every 2s" in part
    assert "<form" not in part


def test_reports_are_forgotten_after_a_month(project: Project) -> None:
    old, new = done(asked(project, records(1))), done(asked(project, records(1)))
    ImportRun.objects.filter(pk=old.pk).update(finished_at=timezone.now() - timedelta(days=31))
    resume_imports()
    assert list(ImportRun.objects.values_list("pk", flat=True)) == [new.pk]


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.timeout(600)
def test_six_megabytes_that_unpack_to_three_hundred_cost_a_worker_little_memory(project: Project) -> None:
    rng = random.Random(14)
    words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=6)) for _ in range(400)]
    packed = default_storage.path("imports/packed")
    default_storage.save("imports/packed", SimpleUploadedFile("packed", b""))
    size = 0
    with gzip.open(packed, "wb") as file:
        for number in range(6_000):
            answer = " ".join(rng.choices(words, k=160)) + " "
            line = json.dumps({"instruction": f"Question {number}?", "input": "", "output": answer * 44}).encode()
            size += file.write(line + b"\n")
    assert size > 290_000_000
    with open(packed, "rb") as stored:
        wanted: runs.Asked = {"format": "alpaca", "kind": "", "source": "large", "encoding": ""}
        run = runs.request(
            project=project, by=None, file=File(stored, name="large.jsonl.gz"), asked=wanted, dry_run=False
        )
    default_storage.delete("imports/packed")
    process, peak, over = psutil.Process(), 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not over.wait(0.2):
            peak = max(peak, process.memory_info().rss)

    before = process.memory_info().rss
    watcher = threading.Thread(target=watch)
    watcher.start()
    began = time.monotonic()
    try:
        done(run)
    finally:
        over.set()
        watcher.join()
    print(f"{size / 1e6:.0f} MB in {time.monotonic() - began:.0f} s, {(peak - before) / 1e6:.0f} MB more")
    assert (run.state, run.summary["imported"]) == ("finished", 6_000)
    assert peak - before < 400_000_000
