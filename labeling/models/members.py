"""Who has which role in a project. Writes: `labeling/projects.py`."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from labeling.models.projects import Project, percent
from labeling.models.roles import RANKERS, REVIEWERS, Role


class Membership(models.Model):
    """A person's role in a project. Ended, not deleted: labels keep pointing at it."""

    Role = Role
    RANKERS = RANKERS
    REVIEWERS = REVIEWERS

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.TRAINER)
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True, help_text="Their data leaves every later export.")
    returned_at = models.DateTimeField(
        null=True, blank=True, help_text="After a withdrawal: what they write from then on is exported."
    )
    label_weight = models.FloatField(default=1.0, validators=percent(), help_text="Our trust, exported with labels.")

    class Meta:
        ordering = ["project", "user"]
        constraints = [models.UniqueConstraint(fields=["project", "user"], name="membership_once_per_project")]

    def __str__(self) -> str:
        return f"{self.user} · {self.get_role_display()}"

    @property
    def is_away(self) -> bool:
        """Withdrew, and has not agreed since that what they write counts again."""
        return self.withdrawn_at is not None and self.returned_at is None
