"""What people say of verdicts. Writes: `moderation/marks.py`. The verdicts themselves are in `screening/models.py`."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from screening.models import ProjectFilters as ProjectFilters
from screening.models import Threshold as Threshold
from screening.models import Verdict as Verdict


class VerdictFeedback(models.Model):
    """A person's word on a verdict: right, or a false alarm, or harm that it missed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    verdict = models.ForeignKey(Verdict, on_delete=models.CASCADE, related_name="feedback")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    harmful = models.BooleanField(help_text="Whether the text is harmful, whatever the filter said.")
    category = models.CharField(max_length=60, blank=True)
    comment = models.TextField(blank=True, db_default="")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [models.UniqueConstraint(fields=["verdict", "user"], name="one_word_per_verdict_and_person")]

    def __str__(self) -> str:
        return "harmful" if self.harmful else "harmless"
