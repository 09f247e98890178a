"""The terms and consent of a project, by version, and who accepted which; and which guests accepted the notice of what
is kept. Writes: `labeling/terms.py`."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from labeling.models.projects import Project


class TermsVersion(models.Model):
    """What people agree to before they work here, never edited: a change is the next number."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="terms")
    number = models.PositiveIntegerField()
    text = models.TextField(help_text="Markdown.")
    note = models.CharField(max_length=200, blank=True, help_text="What changed, in a sentence.")
    ask_again = models.BooleanField(default=True, help_text="Also who accepted an earlier version accepts this one.")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["project", "-number"]
        constraints = [models.UniqueConstraint(fields=["project", "number"], name="terms_number_once")]

    def __str__(self) -> str:
        return f"v{self.number}"


class TermsAcceptance(models.Model):
    """A person accepted this version. It counts until they withdraw from the project."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    version = models.ForeignKey(TermsVersion, on_delete=models.CASCADE, related_name="acceptances")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="accepted_terms")
    accepted_at = models.DateTimeField()

    class Meta:
        ordering = ["version", "accepted_at"]
        constraints = [models.UniqueConstraint(fields=["version", "user"], name="terms_accepted_once")]

    def __str__(self) -> str:
        return f"{self.user} · {self.version}"


class KeptAcceptance(models.Model):
    """A guest accepted this version of the notice of what is kept (`labeling/terms.py` has its number). It counts until
    they withdraw from the project."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="accepted_notices")
    number = models.PositiveIntegerField()
    accepted_at = models.DateTimeField()

    class Meta:
        ordering = ["project", "accepted_at"]
        constraints = [models.UniqueConstraint(fields=["project", "user", "number"], name="kept_accepted_once")]

    def __str__(self) -> str:
        return f"{self.user} · {self.number}"
