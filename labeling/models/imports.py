"""A file that somebody uploaded to be imported: what was asked, how far it is, what became of it.

Writes: `labeling/imports/runs.py`.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from labeling.models.projects import Project

if TYPE_CHECKING:
    from common.shapes import JsonObject


class ImportRunQuerySet(models.QuerySet["ImportRun"]):
    def brought_in(self, project: Project, source: str) -> ImportRunQuerySet:
        """Those whose records are there under this name, and were not taken back."""
        return self.filter(project=project, dry_run=False, state=ImportRun.State.FINISHED, asked__source=source)


class ImportRun(models.Model):
    class State(models.TextChoices):
        QUEUED = "queued", "Waits for a worker"
        RUNNING = "running", "Running"  # held until `lease_expires_at`
        FINISHED = "finished", "Finished"  # `report` says what came in and what was refused
        FAILED = "failed", "Failed"  # `error` says why
        REVERTING = "reverting", "Being taken back"  # a worker removes what came in
        REVERTED = "reverted", "Taken back"

    ENDED = (State.FINISHED, State.FAILED, State.REVERTED)
    TRANSITIONS: dict[str, frozenset[str]] = {
        State.QUEUED: frozenset({State.RUNNING, State.FAILED}),
        State.RUNNING: frozenset({State.QUEUED, State.RUNNING, State.FINISHED, State.FAILED}),
        State.FINISHED: frozenset({State.REVERTING}),
        State.FAILED: frozenset(),
        State.REVERTING: frozenset({State.REVERTED}),
        State.REVERTED: frozenset(),
    }

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="import_runs")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    file_name = models.CharField(max_length=200, help_text="As it was called where it came from.")
    stored_as = models.CharField(max_length=200, help_text="Its name in the storage; removed at the end.")
    asked = models.JSONField(default=dict, help_text="Format, kind, source, encoding.")
    dry_run = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0, help_text="Fencing token.")
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    records_read = models.PositiveBigIntegerField(default=0, help_text="Records read so far.")
    percent = models.PositiveSmallIntegerField(default=0, help_text="Of the file, read so far.")
    read_before = models.PositiveBigIntegerField(default=0, help_text="Records that earlier tries had read.")
    report = models.TextField(blank=True, help_text="As JSON in ASCII: a column of JSON refuses what a file may hold.")
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = ImportRunQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                name="import_running_has_lease", condition=~Q(state="running") | Q(lease_expires_at__isnull=False)
            ),
            models.CheckConstraint(name="import_failed_has_error", condition=~Q(state="failed") | ~Q(error="")),
        ]
        indexes = [
            models.Index(fields=["created_at"], name="import_under_way", condition=Q(state__in=["queued", "running"]))
        ]

    def __str__(self) -> str:
        return f"import of {self.file_name}"

    @property
    def summary(self) -> JsonObject:
        """What the report says; empty before the end."""
        found: Any = json.loads(self.report) if self.report else {}
        return found if isinstance(found, dict) else {}
