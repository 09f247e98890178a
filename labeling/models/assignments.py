"""Leases of comparisons to trainers. Writes: `labeling/leases.py`, `assignments.py` and `rankings.py`."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from labeling.models.comparisons import Comparison
from labeling.models.guidelines import GuidelineVersion

if TYPE_CHECKING:
    from accounts.models import User


class AssignmentQuerySet(models.QuerySet["Assignment"]):
    def of(self, user: User) -> AssignmentQuerySet:
        return self.filter(trainer=user)

    def leased(self) -> AssignmentQuerySet:
        return self.filter(state=Assignment.State.LEASED)


class Assignment(models.Model):
    """The lease of one vote of a comparison to a trainer."""

    class State(models.TextChoices):
        LEASED = "leased", _("Leased")  # being worked on; holds its slot
        SUBMITTED = "submitted", _("Submitted")  # has a ranking in force
        SKIPPED = "skipped", _("Skipped")  # given back with a reason
        EXPIRED = "expired", _("Expired")  # no heartbeat in time; its draft is kept

    TRANSITIONS = {
        State.LEASED: frozenset({State.SUBMITTED, State.SKIPPED, State.EXPIRED}),
        State.SUBMITTED: frozenset({State.LEASED}),
        State.SKIPPED: frozenset(),
        State.EXPIRED: frozenset({State.LEASED, State.SUBMITTED, State.SKIPPED}),
    }

    class Kind(models.TextChoices):
        VOTE = "vote", _("Vote")  # counts; holds a slot
        SURPLUS = "surplus", _("Surplus")  # came late and found no slot; kept outside the count
        RESEARCH = "research", _("Blind vote")  # a reviewer's own blind vote, outside the count

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    comparison = models.ForeignKey(Comparison, on_delete=models.CASCADE, related_name="assignments")
    trainer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="assignments")
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.VOTE)
    slot = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Which of the wanted votes, from 0.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.LEASED)
    guideline_version = models.ForeignKey(
        GuidelineVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    order_shown = models.JSONField(help_text="Ids of the completions in the order shown to this trainer.")
    order_seed = models.BigIntegerField()
    draft = models.JSONField(default=dict, blank=True)
    draft_version = models.PositiveIntegerField(default=0)
    draft_saved_at = models.DateTimeField(null=True, blank=True)
    seconds = models.PositiveIntegerField(default=0, help_text="Active time so far.")
    skip_reason = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    heartbeat_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["comparison", "slot"],
                name="vote_slot_once",
                condition=Q(slot__isnull=False, state__in=["leased", "submitted"]),
            ),
            models.UniqueConstraint(fields=["comparison", "trainer"], name="trainer_once_per_comparison"),
            models.CheckConstraint(
                name="slot_only_while_held",
                condition=Q(kind="vote", state__in=["leased", "submitted"], slot__isnull=False)
                | ~Q(kind="vote", state__in=["leased", "submitted"]) & Q(slot__isnull=True),
            ),
            models.CheckConstraint(
                name="assignment_skip_has_reason", condition=~Q(state="skipped") | ~Q(skip_reason="")
            ),
        ]
        indexes = [
            models.Index(fields=["trainer", "state"], name="assignment_by_trainer"),
            models.Index(fields=["trainer", "ended_at"], name="assignment_by_end", condition=Q(ended_at__isnull=False)),
            models.Index(fields=["expires_at"], name="assignment_leases", condition=Q(state="leased")),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.trainer_id} on {self.comparison_id} ({self.state})"
