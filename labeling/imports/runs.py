"""Writes on import runs: a file is stored, a worker takes it, reads it as a stream and leaves its report.

The row is the work. A run is claimed by compare-and-set and held by a lease that each batch renews; `attempts` fences
off a worker that lost it. One that was killed is begun again: what it had stored is known by its identity and is
counted as there already.
"""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from typing import IO, TYPE_CHECKING, NotRequired, TypedDict, cast
from uuid import UUID

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts.audit import record
from common import plugins, redis_client
from common.transitions import advance
from labeling.errors import LabelingError
from labeling.importers.base import Options
from labeling.imports import running, storing
from labeling.imports.records import Unreadable
from labeling.models import ImportRun, Project

if TYPE_CHECKING:
    from django.core.files import File

    from accounts.models import User
    from common.shapes import Message
    from labeling.imports.reporting import Report, Shown

log = logging.getLogger(__name__)
State = ImportRun.State
LEASE = timedelta(minutes=3)  # a batch takes seconds
MAX_ATTEMPTS = 3
KEPT = timedelta(days=30)  # reports hold lines of the file
SAMPLES, SAMPLE_LENGTH, TEXT_LENGTH = 5, 4_000, 20_000
WAITS = timedelta(days=1)  # how long the file of a preview waits to be imported
ENDED_EARLY = "The worker that read the file ended before it was done, {} times. What it had stored is kept."
BROKE = "It broke off after {:,} records by a fault of ours. What was stored is kept, and the log says more."


class Asked(TypedDict):
    """What the upload's form says of the file."""

    format: str
    kind: str
    source: str
    encoding: str
    keep: NotRequired[bool]  # of a file that is only tried: it waits a day to be imported (`carry_out`)


class LostLease(Exception):
    """Another worker has the run."""


def request(*, project: Project, by: User | None, file: File[bytes], asked: Asked, dry_run: bool) -> ImportRun:
    """Keep the file and ask for its import."""
    run = ImportRun(
        project=project, requested_by=by, file_name=(file.name or "a file")[:200], asked=dict(asked), dry_run=dry_run
    )
    run.stored_as = default_storage.save(f"imports/{run.pk}", file)
    try:
        with transaction.atomic():
            run.save(force_insert=True)
            _ring(run.pk)
    except BaseException:
        default_storage.delete(run.stored_as)
        raise
    return run


def claim(*, pk: UUID) -> ImportRun | None:
    """Take a run that waits, or one whose worker is gone; None where there is nothing to take."""
    now = timezone.now()
    free = ImportRun.objects.filter(pk=pk, attempts__lt=MAX_ATTEMPTS).filter(
        Q(state=State.QUEUED) | Q(state=State.RUNNING, lease_expires_at__lt=now)
    )
    taken = advance(
        free, to=State.RUNNING, table=ImportRun.TRANSITIONS, attempts=F("attempts") + 1, lease_expires_at=now + LEASE,
        started_at=now, read_before=F("records_read"), percent=0,
    )  # fmt: skip
    return ImportRun.objects.select_related("project").get(pk=pk) if taken else None


def execute(*, run: ImportRun) -> ImportRun:
    """Read the file of a claimed run to its end, and end the run.

    Raises:
        LostLease: another worker has it.
    """
    try:
        report = _read(run)
    except (plugins.UnknownPlugin, Unreadable, LabelingError) as refusal:
        _end(run, State.FAILED, error=str(refusal))
    except FileNotFoundError:
        _end(run, State.FAILED, error="The uploaded file is not there any more: upload it again.")
    except LostLease:
        raise
    except Exception:  # the run says so, and the worker goes on
        log.exception("import %s broke off", run.pk)
        run.refresh_from_db()
        _end(run, State.FAILED, error=BROKE.format(run.records_read))
    else:
        _end(run, State.FINISHED, report=_written(report), records_read=report.rows, percent=100)
    return run


def _read(run: ImportRun) -> Report:
    asked = run.asked
    with default_storage.open(run.stored_as, "rb") as stored:
        file, size = cast(IO[bytes], stored.file), max(1, stored.size)

        def told(rows: int) -> None:
            _report(run, rows, min(99, 100 * file.tell() // size))

        return running.run(
            project=run.project, file=file, format=asked["format"], kind=asked["kind"], source=asked["source"],
            encoding=asked["encoding"], options=Options(), dry_run=run.dry_run,
            samples=SAMPLES if run.dry_run else 0, progress=told,
        )  # fmt: skip


def _report(run: ImportRun, rows: int, percent: int) -> None:
    """Called after each batch: how far it is, and that somebody is at it."""
    mine = ImportRun.objects.filter(pk=run.pk, attempts=run.attempts, state=State.RUNNING)
    if not mine.update(records_read=rows, percent=percent, lease_expires_at=timezone.now() + LEASE):
        raise LostLease


def _end(run: ImportRun, state: str, **columns: object) -> None:
    mine = ImportRun.objects.filter(pk=run.pk, attempts=run.attempts)
    ended = advance(
        mine, to=state, table=ImportRun.TRANSITIONS, lease_expires_at=None, finished_at=timezone.now(), **columns
    )
    if not ended:
        raise LostLease
    if not (state == State.FINISHED and run.dry_run and run.asked.get("keep")):
        default_storage.delete(run.stored_as)
    run.refresh_from_db()


def _written(report: Report) -> str:
    samples = [
        {
            "line": sample["line"],
            "before": json.dumps(sample["before"], ensure_ascii=False, default=str)[:SAMPLE_LENGTH],
            "after": json.dumps(sample["after"], ensure_ascii=False, default=str)[:SAMPLE_LENGTH],
            "shown": [_cut(item) for item in sample["after"]],
        }
        for sample in report.samples
    ]
    return json.dumps({**report.to_dict(), "samples": samples}, default=str)


def _cut(item: Shown) -> Shown:
    """An item for a page, of which no text is very long."""
    messages: list[Message] = [{**message, "content": message["content"][:TEXT_LENGTH]} for message in item["messages"]]
    return {**item, "messages": messages, "completions": [text[:TEXT_LENGTH] for text in item["completions"]]}


@transaction.atomic
def carry_out(*, preview: ImportRun, by: User) -> ImportRun | None:
    """Import the file of a preview; None where it waits no more. The file is not read into the request."""
    held = ImportRun.objects.select_for_update(no_key=True).get(pk=preview.pk)
    if held.state != State.FINISHED or not held.dry_run or not held.asked.get("keep") or not held.stored_as:
        return None
    asked = {name: value for name, value in held.asked.items() if name != "keep"}
    run = ImportRun.objects.create(
        project=held.project, requested_by=by, file_name=held.file_name, asked=asked, stored_as=held.stored_as
    )
    held.stored_as = ""
    held.save(update_fields=["stored_as"])
    record(actor=by, action="project.import", obj=held.project, project_id=held.project_id)
    _ring(run.pk)
    return run


@transaction.atomic
def take_back(*, run: ImportRun, by: User) -> bool:
    """Have everything removed that came in under the import's name and that nobody has worked on since."""
    if run.dry_run or not advance(run, to=State.REVERTING, table=ImportRun.TRANSITIONS):
        return False
    record(actor=by, action="import.taken_back", obj=run)
    _ring(run.pk)
    return True


def remove(*, pk: UUID) -> bool:
    """Remove what a run brought in, where it is to be taken back; a worker that dies has removed nothing. What came in
    by other runs under the same name is gone with it, so they are taken back as well."""
    run = ImportRun.objects.select_related("project").filter(pk=pk, state=State.REVERTING).first()
    if run is None:
        return False
    with transaction.atomic():
        source = str(run.asked.get("source") or run.summary["source"])
        counts = storing.revert(project=run.project, source=source)
        for other in ImportRun.objects.brought_in(run.project, source):
            if advance(other, to=State.REVERTING, table=ImportRun.TRANSITIONS):
                advance(other, to=State.REVERTED, table=ImportRun.TRANSITIONS)
        report = json.dumps({**run.summary, "taken_back": counts})
        return bool(advance(run, to=State.REVERTED, table=ImportRun.TRANSITIONS, report=report))


def resume() -> int:
    """Ring for runs that wait and for those whose worker is gone; end hopeless ones; forget old reports and files."""
    now = timezone.now()
    gone = Q(state=State.RUNNING, lease_expires_at__lt=now)
    for run in ImportRun.objects.filter(gone, attempts__gte=MAX_ATTEMPTS):
        try:
            _end(run, State.FAILED, error=ENDED_EARLY.format(run.attempts))
        except LostLease:
            continue
    waiting = ImportRun.objects.filter(Q(state__in=(State.QUEUED, State.REVERTING)) | gone).order_by("created_at")
    pks = list(waiting.values_list("pk", flat=True))
    for pk in pks:
        _ring(pk)
    for run in ImportRun.objects.filter(dry_run=True, asked__keep=True, finished_at__lt=now - WAITS).exclude(
        stored_as=""
    ):
        if ImportRun.objects.filter(pk=run.pk, stored_as=run.stored_as).update(stored_as=""):  # else it is imported
            default_storage.delete(run.stored_as)
    ImportRun.objects.filter(state__in=ImportRun.ENDED, finished_at__lt=now - KEPT).delete()
    return len(pks)


def _ring(pk: UUID) -> None:
    from labeling.tasks import run_import

    redis_client.send_on_commit(run_import.delay, str(pk))
