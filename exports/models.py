"""A run of an export: what was asked, how far it is, what came out. Writes: `exports/runs.py`."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from accounts.models import User


class ExportRunQuerySet(models.QuerySet["ExportRun"]):
    def visible_to(self, user: User) -> ExportRunQuerySet:
        """Runs of the projects that `user` manages; an operator sees all."""
        if user.is_superuser:
            return self
        return self.filter(
            project__memberships__user=user,
            project__memberships__ended_at__isnull=True,
            project__memberships__role="manager",
        ).distinct()


class ExportRun(models.Model):
    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"  # held by `worker` until `lease_expires_at`
        FINISHED = "finished", "Finished"  # its folder is complete, the manifest written last
        FAILED = "failed", "Failed"  # `error` says why
        REMOVED = "removed", "Removed"  # its folder went by retention or withdrawal

    TRANSITIONS: dict[str, frozenset[str]] = {
        State.QUEUED: frozenset({State.RUNNING, State.FAILED}),
        State.RUNNING: frozenset({State.QUEUED, State.RUNNING, State.FINISHED, State.FAILED}),
        State.FINISHED: frozenset({State.REMOVED}),
        State.FAILED: frozenset({State.QUEUED}),
        State.REMOVED: frozenset(),
    }

    class Trigger(models.TextChoices):
        NIGHTLY = "nightly", "Nightly"
        COMMAND = "command", "Command"
        ADMIN = "admin", "Admin page"
        API = "api", "API"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey("labeling.Project", on_delete=models.CASCADE, related_name="exports")
    trigger = models.CharField(max_length=10, choices=Trigger.choices)
    night = models.DateField(null=True, blank=True, help_text="The night that it belongs to.")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    cutoff = models.DateTimeField(help_text="The instant that it describes.")
    options = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0, help_text="Fencing token.")
    worker = models.CharField(max_length=120, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    rows_written = models.PositiveBigIntegerField(default=0)
    rows_expected = models.PositiveBigIntegerField(null=True, blank=True)  # about; the true number once finished
    path = models.CharField(max_length=500, blank=True)
    manifest = models.JSONField(null=True, blank=True)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = ExportRunQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "night"], condition=Q(night__isnull=False), name="one_run_per_project_and_night"
            ),
            models.CheckConstraint(
                name="export_finished_has_manifest",
                condition=~Q(state="finished") | Q(manifest__isnull=False, finished_at__isnull=False),
            ),
            models.CheckConstraint(name="export_failed_has_error", condition=~Q(state="failed") | ~Q(error="")),
            models.CheckConstraint(
                name="export_running_has_lease",
                condition=Q(state="running", lease_expires_at__isnull=False)
                | ~Q(state="running") & Q(lease_expires_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"as of {self.cutoff:%Y-%m-%d %H:%M} ({self.state})"

    @property
    def sizes(self) -> dict[str, int]:
        """The files that the manifest lists, with their bytes."""
        return {file["path"]: file["bytes"] for file in (self.manifest or {}).get("files", ())}
