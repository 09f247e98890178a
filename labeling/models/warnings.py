"""What people may meet in a project, told by its manager, by version, and who has read which. Writes:
`labeling/content_warnings.py`."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from labeling.models.projects import Project


class ContentWarning(models.Model):
    """Never edited: a change is the next number; one without text takes the warning back."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="warnings")
    number = models.PositiveIntegerField()
    text = models.TextField(blank=True, help_text="Markdown; empty: no warning.")
    note = models.CharField(max_length=200, blank=True, help_text="What changed, in a sentence.")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["project", "-number"]
        constraints = [models.UniqueConstraint(fields=["project", "number"], name="warning_number_once")]

    def __str__(self) -> str:
        return f"v{self.number}"


class WarningRead(models.Model):
    """A person has read this version and goes on."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    version = models.ForeignKey(ContentWarning, on_delete=models.CASCADE, related_name="readings")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="warnings_read")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["version", "at"]
        constraints = [models.UniqueConstraint(fields=["version", "user"], name="warning_read_once")]

    def __str__(self) -> str:
        return f"{self.user} · {self.version}"
