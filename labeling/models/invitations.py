"""Invitations to a project. Writes: `labeling/invitations.py`."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from labeling.models.members import Membership
from labeling.models.projects import Project


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self) -> InvitationQuerySet:
        return self.filter(used_at__isnull=True, revoked_at__isnull=True, expires_at__gt=timezone.now())

    def sent_to(self, project: Project, address: str) -> InvitationQuerySet:
        return self.filter(project=project, email__iexact=address)


class Invitation(models.Model):
    """A link that makes people members, one unless it says more; only the SHA-256 of its token is stored."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="invitations")
    role = models.CharField(max_length=10, choices=Membership.Role.choices)
    email = models.EmailField(blank=True, help_text="Where the link was sent; empty: handed over otherwise.")
    digest = models.CharField(max_length=64, unique=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    places = models.PositiveSmallIntegerField(default=1, db_default=1, help_text="How many people may use the link.")
    uses = models.PositiveSmallIntegerField(default=0, db_default=0, help_text="How many have used it.")
    used_at = models.DateTimeField(null=True, blank=True, help_text="When its last place was taken.")
    used_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                name="invitation_used_or_revoked", condition=Q(used_at__isnull=True) | Q(revoked_at__isnull=True)
            ),
            models.CheckConstraint(name="invitation_has_places", condition=Q(places__gte=1, uses__lte=F("places"))),
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()} of {self.project}"
