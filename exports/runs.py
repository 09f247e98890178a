"""Every write on export runs: ask, claim, execute, finish, retention.

The row is the work: a run is claimed by compare-and-set, held by a lease that a thread renews, and
`attempts` fences off a worker that lost it. The folder of a run is named after its cutoff and its id and
appears by one rename, so a run that is done twice is done once.
"""

from __future__ import annotations

import json
import logging
import os
import socket
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from django.core.files import File
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from accounts.audit import record
from common import redis_client
from common.folders import FolderExists
from common.transitions import advance
from exports import storage
from exports.lease import LEASE, Lease
from exports.lease import LostLease as LostLease
from exports.models import ExportRun
from exports.options import BadOptions, Options
from exports.snapshot import Unsettled, now
from exports.writing import folder
from exports.writing.manifest import Manifest
from labeling import telling
from labeling.models import Project
from sampler.models import ModelVersion

if TYPE_CHECKING:
    from accounts.models import User

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 3
POINTED_AFRESH = timedelta(hours=1)  # how long after a night it is made sure that `latest` names it
State = ExportRun.State


@transaction.atomic
def request(
    *,
    project: Project,
    trigger: str,
    options: Options | Mapping[str, object] | None = None,
    cutoff: datetime | None = None,
    by: User | None = None,
    ring: bool = True,
) -> ExportRun:
    """Ask for an export; a worker writes it.

    Raises:
        Invalid: with a sentence.
    """
    options = options if isinstance(options, Options) else Options.from_dict(options)
    options.check_in(project)
    run = ExportRun.objects.create(
        project=project,
        trigger=trigger,
        requested_by=by,
        cutoff=_checked(cutoff),
        options=options.to_dict(),
    )
    record(actor=by, action="export.requested", obj=run, fields=sorted(options.configs))
    if ring:
        _ring(run)
    return run


def _checked(cutoff: datetime | None) -> datetime:
    current = now()
    if cutoff is not None and cutoff > current:
        raise BadOptions(f"The cutoff {cutoff.isoformat()} lies ahead; it must be in the past.")
    return cutoff or current


def start_night(*, night: date | None = None, ring: bool = True) -> list[ExportRun]:
    """One run for every active project and this night; those that are there already are left alone,
    failed ones are tried again. All describe the same kind of instant: when they were asked for."""
    night = night or timezone.now().date()
    runs = []
    for project in Project.objects.active().filter(throwaway=False).order_by("slug"):
        options = Options.from_dict({"configs": project.nightly_configs or None})
        run, _ = ExportRun.objects.get_or_create(
            project=project,
            night=night,
            defaults={"trigger": ExportRun.Trigger.NIGHTLY, "cutoff": now(), "options": options.to_dict()},
        )
        if run.state == State.FAILED:
            retry(run=run, ring=False)
        if ring and run.state == State.QUEUED:
            _ring(run)
        runs.append(run)
    return runs


def opened(*, run: ExportRun, path: str) -> File[bytes]:
    """A file of a finished export; `run.sizes` has its size, where the manifest lists it.

    Raises:
        FileNotFoundError: the export holds no such file, not yet, or not any more.
    """
    if run.state != State.FINISHED or path not in {*run.sizes, *storage.WHOLE_FOLDER}:
        raise FileNotFoundError(path)
    return storage.open_file(run.path, path)


def retry(*, run: ExportRun, ring: bool = True) -> bool:
    """Queue a failed run again, with all its tries."""
    queued = bool(advance(run, to=State.QUEUED, table=ExportRun.TRANSITIONS, error="", attempts=0))
    if queued and ring:
        _ring(run)
    return queued


def resume() -> int:
    """Ring again for runs that wait, and for those whose worker is gone; give up on hopeless ones."""
    current = timezone.now()
    orphans = ExportRun.objects.filter(state=State.RUNNING, lease_expires_at__lt=current)
    hopeless = orphans.filter(Q(attempts__gte=MAX_ATTEMPTS) | Q(trigger=ExportRun.Trigger.COMMAND))
    for run in hopeless:
        fail(run=run, error="The process that wrote it ended before it was done.", final=True)
    waiting = ExportRun.objects.filter(
        Q(state=State.QUEUED) & ~Q(trigger=ExportRun.Trigger.COMMAND) | Q(state=State.RUNNING)
    ).exclude(state=State.RUNNING, lease_expires_at__gte=current)
    for run in waiting:
        _ring(run)
    for run in _nights().filter(finished_at__gt=current - POINTED_AFRESH):
        _point_latest(run)
    return len(waiting)


def _ring(run: ExportRun) -> None:
    from exports.tasks import run_export

    redis_client.send_on_commit(run_export.delay, str(run.pk))


def claim(*, run_id: str, worker: str = "") -> ExportRun | None:
    """Take a waiting run, or one whose worker is gone; None where there is nothing to take."""
    current = timezone.now()
    free = ExportRun.objects.filter(pk=run_id, attempts__lt=MAX_ATTEMPTS).filter(
        Q(state=State.QUEUED) | Q(state=State.RUNNING, lease_expires_at__lt=current)
    )
    taken = advance(
        free,
        to=State.RUNNING,
        table=ExportRun.TRANSITIONS,
        attempts=F("attempts") + 1,
        worker=worker or f"{socket.gethostname()}:{os.getpid()}",
        lease_expires_at=current + LEASE,
        started_at=current,
        rows_written=0,
        rows_expected=None,
        error="",
    )
    return ExportRun.objects.select_related("project").get(pk=run_id) if taken else None


def execute(*, run: ExportRun, target: Path | None = None, progress: Callable[[int], None] | None = None) -> ExportRun:
    """Write the folder of a claimed run and finish it.

    `target` is the folder of `manage.py export --out`; otherwise it lies in the exports storage.

    Raises:
        LostLease; whatever kept the folder from being written, after the run was marked.
    """
    options = Options.from_dict(run.options)
    name = _place(run)
    place = target or storage.working_path(name)
    try:
        with Lease(run) as lease:
            manifest = None if target else _made_before(place, run)
            if manifest is None:
                manifest = folder.write(
                    project=run.project,
                    target=place,
                    cutoff=run.cutoff,
                    options=options,
                    export_id=run.pk,
                    progress=lambda rows: lease.report(rows, progress),
                    expect=lease.expect,
                )
            if target is None:
                storage.publish(name)
        _finish(run, manifest=manifest, path=str(place.resolve()) if target else name)
    except LostLease:
        raise
    except BaseException as error:
        fail(run=run, error=_sentence(error), final=isinstance(error, BadOptions | FolderExists) or bool(target))
        raise
    if run.night:
        _point_latest(run)
        retire_old(project=run.project)
    return run


def _place(run: ExportRun) -> str:
    """`PROJECT/2026-11-22-1a2b3c4d` in the storage: the day of the cutoff and the begin of the id, or the whole id
    where another run lies there."""
    day = f"{run.project.slug}/{run.cutoff.astimezone(UTC):%Y-%m-%d}"
    short = f"{day}-{run.pk.hex[:8]}"
    return f"{day}-{run.pk}" if ExportRun.objects.filter(path=short).exclude(pk=run.pk).exists() else short


def _nights() -> QuerySet[ExportRun]:
    return ExportRun.objects.filter(state=State.FINISHED, night__isnull=False)


def _point_latest(run: ExportRun) -> None:
    """Let `latest` beside the folder of this night name the newest night there. A storage that fails now is asked
    again by `resume`, and by the next night."""
    folder = run.path.rpartition("/")[0]
    if not run.night or not folder:  # on request, or of a release whose folders lay side by side
        return
    there, pointed = _nights().filter(path__startswith=f"{folder}/").order_by("-night", "-finished_at"), False
    try:
        while not pointed:  # another process may finish or remove one meanwhile
            newest = there.first()
            storage.point(folder, newest.path.removeprefix(f"{folder}/") if newest else None)
            pointed = there.first() == newest
    except Exception:
        log.exception("export %s: %s/%s could not be written", run.pk, folder, storage.LATEST)


def _made_before(place: Path, run: ExportRun) -> Manifest | None:
    """The manifest of a folder that an earlier attempt finished just before it died."""
    try:
        manifest: Manifest = json.loads((place / storage.MANIFEST).read_text())
    except OSError:
        return None
    return manifest if manifest["export_id"] == str(run.pk) else None


def _sentence(error: BaseException) -> str:
    known = isinstance(error, BadOptions | Unsettled | FolderExists | OSError)
    return str(error) if known and str(error) else f"{type(error).__name__}: {error}"


def _finish(run: ExportRun, *, manifest: Manifest, path: str) -> None:
    mine = ExportRun.objects.filter(pk=run.pk, attempts=run.attempts)
    rows = sum(file["rows"] for file in manifest["files"])
    finished = advance(
        mine,
        to=State.FINISHED,
        table=ExportRun.TRANSITIONS,
        manifest=manifest,
        path=path,
        rows_written=rows,
        rows_expected=rows,
        lease_expires_at=None,
        finished_at=timezone.now(),
    )
    if not finished:
        raise LostLease(f"The run {run.pk} went to another worker.")
    run.refresh_from_db()


@transaction.atomic
def fail(*, run: ExportRun, error: str, final: bool = False) -> None:
    """Put a run back for another try, or end it where tries or hope are over."""
    mine = ExportRun.objects.filter(pk=run.pk, attempts=run.attempts, state=State.RUNNING)
    over = final or run.attempts >= MAX_ATTEMPTS
    moved = advance(
        mine, to=State.FAILED if over else State.QUEUED, table=ExportRun.TRANSITIONS,
        error=error[:2000] or "It failed and gave no reason.", lease_expires_at=None,
    )  # fmt: skip
    if moved and over:
        telling.export_failed(run.project, run.pk)
    log.warning("export %s: %s", run.pk, error)


def retire_old(*, project: Project) -> int:
    """Remove nightly exports beyond the number that the project keeps, oldest first. One that a model
    version was trained on stays."""
    surplus = _nights().filter(project=project).order_by("-night")[project.exports_kept :]
    trained_on = set(ModelVersion.objects.exclude(export_id=None).values_list("export_id", flat=True))
    return sum(remove(run=run) for run in surplus if run.pk not in trained_on)


def remove(*, run: ExportRun) -> bool:
    """Delete the folder of a finished run; its row and manifest stay."""
    if not advance(run, to=State.REMOVED, table=ExportRun.TRANSITIONS):
        return False
    if run.trigger != ExportRun.Trigger.COMMAND:
        _point_latest(run)  # before the folder goes, so that it never names one that is not there
        storage.remove(run.path, [file["path"] for file in (run.manifest or {}).get("files", ())])
    return True
