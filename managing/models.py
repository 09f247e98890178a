"""What this site keeps itself. Writes: `managing/export_presets.py`."""

from __future__ import annotations

from django.db import models


class ExportPreset(models.Model):
    """What the form of a project's exports holds to begin with."""

    project = models.OneToOneField(
        "labeling.Project", primary_key=True, on_delete=models.CASCADE, related_name="export_preset"
    )
    options = models.JSONField(default=dict)
    changed_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"preset of {self.project_id}"
