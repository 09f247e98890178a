"""Repositories that were made from here, and what was pushed into them. Writes: `hub/pushes.py`."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q


class Repository(models.Model):
    """A data set on the Hub that was made from here, for one project. Nothing is written into any other."""

    class State(models.TextChoices):
        NEW = "new", "New"  # asked for; its first push makes it
        MADE = "made", "Made"
        LEAVING = "leaving", "Leaving"  # a worker deletes it
        GONE = "gone", "Gone"  # deleted, or never made

    TRANSITIONS: dict[str, frozenset[str]] = {
        State.NEW: frozenset({State.MADE, State.GONE}),
        State.MADE: frozenset({State.LEAVING}),
        State.LEAVING: frozenset({State.MADE, State.GONE}),
        State.GONE: frozenset(),
    }

    project = models.ForeignKey("labeling.Project", on_delete=models.PROTECT, related_name="hub_repositories")
    name = models.CharField(max_length=200, help_text="NAMESPACE/NAME.")
    private = models.BooleanField(default=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.NEW)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    left_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    error = models.TextField(blank=True, help_text="Why it could not be deleted.")
    created_at = models.DateTimeField(auto_now_add=True)
    left_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["name"], condition=~Q(state="gone"), name="one_repository_of_a_name"),
        ]

    def __str__(self) -> str:
        return self.name


class Push(models.Model):
    """One export on its way into a repository."""

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"  # held by a worker until `lease_expires_at`
        FINISHED = "finished", "Finished"
        FAILED = "failed", "Failed"  # `error` says why

    TRANSITIONS: dict[str, frozenset[str]] = {
        State.QUEUED: frozenset({State.RUNNING, State.FAILED}),
        State.RUNNING: frozenset({State.QUEUED, State.RUNNING, State.FINISHED, State.FAILED}),
        State.FINISHED: frozenset(),
        State.FAILED: frozenset({State.QUEUED}),
    }

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="pushes")
    export = models.ForeignKey("exports.ExportRun", on_delete=models.CASCADE, related_name="pushes")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0, help_text="Fencing token.")
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    bytes_sent = models.PositiveBigIntegerField(default=0)
    bytes_all = models.PositiveBigIntegerField(default=0)
    commit = models.CharField(max_length=80, blank=True)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(name="push_failed_has_error", condition=~Q(state="failed") | ~Q(error="")),
            models.CheckConstraint(
                name="push_running_has_lease",
                condition=Q(state="running", lease_expires_at__isnull=False)
                | ~Q(state="running") & Q(lease_expires_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.export_id} into {self.repository_id} ({self.state})"

    @property
    def percent(self) -> int:
        return min(99, 100 * self.bytes_sent // self.bytes_all) if self.bytes_all else 0
