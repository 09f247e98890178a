"""Which versions of a project's guidelines a person has read. Writes: `labeling/agreements.py`."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from labeling.models.guidelines import GuidelineVersion


class Acknowledgement(models.Model):
    """A person has read this version of the guidelines and goes on under it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    version = models.ForeignKey(GuidelineVersion, on_delete=models.CASCADE, related_name="acknowledgements")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="acknowledgements")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["version", "at"]
        constraints = [models.UniqueConstraint(fields=["version", "user"], name="acknowledged_once")]

    def __str__(self) -> str:
        return f"{self.user} · {self.version}"
