"""Instructions to trainers, by version. Writes: `labeling/projects.py`."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from labeling.models.projects import Project


class GuidelineVersion(models.Model):
    """Instructions to trainers, never edited: a change is the next number."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="guidelines")
    number = models.PositiveIntegerField()
    text = models.TextField(help_text="Markdown.")
    note = models.CharField(max_length=200, blank=True, help_text="What changed, in a sentence.")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["project", "-number"]
        constraints = [models.UniqueConstraint(fields=["project", "number"], name="guideline_number_once")]

    def __str__(self) -> str:
        return f"v{self.number}"
