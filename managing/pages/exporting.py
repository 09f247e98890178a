"""An export as its page shows it: its name in addresses, how far it is, its files, what it left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import QuerySet
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext, ngettext

from common.compiled import compiled
from common.numbers import grouped
from exports import storage
from exports.models import ExportRun
from managing.pages.dated_names import dated, named

if TYPE_CHECKING:
    from labeling.models import Project

State = ExportRun.State
SHOWN = 20  # exports in the list of a project


@dataclass(frozen=True)
class Part:
    """A file of an export."""

    path: str
    note: str


@dataclass(frozen=True)
class Shown:
    """An export for people."""

    run: ExportRun
    name: str
    standing: str
    files: Sequence[Part]
    left_out: Sequence[tuple[str, int]]

    @property
    def underway(self) -> bool:
        return self.run.state in (State.QUEUED, State.RUNNING)

    @property
    def here(self) -> bool:
        """Whether its files can be taken from here; those of the command lie where it was told."""
        return self.run.state == State.FINISHED and self.run.trigger != ExportRun.Trigger.COMMAND

    @property
    def percent(self) -> int:
        expected = self.run.rows_expected
        return min(99, 100 * self.run.rows_written // expected) if expected else 0


def name_of(run: ExportRun) -> str:
    """Its name in addresses: the day of its cutoff and the beginning of its id, as its folder is called."""
    return dated(run.cutoff, run.pk)


def find(project: Project, name: str) -> ExportRun | None:
    """The project's export of that name."""
    return named(ExportRun.objects.filter(project=project).select_related("requested_by"), name, name_of)


def latest(project: Project) -> list[Shown]:
    return [shown(run, whole=False) for run in _latest(project)]


@compiled
def _latest(project: Project) -> QuerySet[ExportRun]:
    rows = ExportRun.objects.filter(project=project).select_related("requested_by").defer("manifest")
    return rows.order_by("-created_at")[:SHOWN]


def shown(run: ExportRun, *, whole: bool = True) -> Shown:
    """For its page; with `whole` false for a line of the list, which reads no manifest."""
    manifest = (run.manifest or {}) if whole else {}
    files = [
        Part(
            file["path"],
            ngettext("%(file)s row, %(value)s", "%(file)s rows, %(value)s", file["rows"])
            % {"file": grouped(file["rows"]), "value": filesizeformat(file["bytes"])},
        )
        for file in manifest.get("files", ())
    ]
    files += [
        Part(storage.README, gettext("the data card")),
        Part(storage.MANIFEST, gettext("how it was made, and every file's checksum")),
        Part(storage.SUMS, gettext("checksums for sha256sum")),
    ]
    left_out = sorted(manifest.get("excluded", {}).items())
    return Shown(run, name_of(run), _standing(run), files if whole else (), left_out)


def _standing(run: ExportRun) -> str:
    if run.state == State.RUNNING:
        written = grouped(run.rows_written)
        if run.rows_expected:
            rows = {"rows": written, "all": grouped(run.rows_expected)}
            return gettext("%(rows)s of about %(all)s rows are written") % rows
        return gettext("%(rows)s rows are written") % {"rows": written}
    said = {
        State.QUEUED: gettext("waits for a worker"),
        State.FINISHED: ngettext("%(rows)s row", "%(rows)s rows", run.rows_written)
        % {"rows": grouped(run.rows_written)},
        State.FAILED: gettext("could not be written"),
        State.REMOVED: gettext("its files were removed"),
    }
    return said[State(run.state)]
