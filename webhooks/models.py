"""Who wants to be told of what, and what there was to tell. Writes: `webhooks/subscriptions.py`, `webhooks/outbox.py`.

Deliveries are written by database triggers (migration 0002) in the transaction of the event itself:
there is an event exactly if there is a delivery, whatever code path it came by, and the apps below
know nothing of webhooks. A delivery holds ids only, never text.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

if TYPE_CHECKING:
    from accounts.models import User


class Event(models.TextChoices):
    RANKING_SUBMITTED = "ranking.submitted", "A ranking was submitted"
    RANKING_UNDONE = "ranking.undone", "A ranking was taken back"
    COMPARISON_CLOSED = "comparison.closed", "A comparison has all its votes"
    EXPORT_FINISHED = "export.finished", "An export is complete"


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    def managed_by(self, user: User) -> SubscriptionQuerySet:
        """Those of projects that `user` manages; an operator sees all."""
        if user.is_superuser:
            return self
        return self.filter(
            project__memberships__user=user,
            project__memberships__ended_at__isnull=True,
            project__memberships__role="manager",
        ).distinct()


class Subscription(models.Model):
    """An address that is told of some of a project's events."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey("labeling.Project", on_delete=models.CASCADE, related_name="webhooks")
    url = models.URLField(max_length=500)
    events = ArrayField(models.CharField(max_length=30, choices=Event.choices))
    generation = models.PositiveIntegerField(default=1, help_text="Counts changes of the secret.")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_reason = models.CharField(max_length=200, blank=True)

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                name="webhook_ended_has_reason", condition=Q(ended_at__isnull=True) | ~Q(ended_reason="")
            )
        ]
        indexes = [
            models.Index(fields=["project"], name="webhook_live", condition=Q(ended_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return self.url


class Delivery(models.Model):
    """One event for one subscription: the outbox and the log."""

    class State(models.TextChoices):
        PENDING = "pending", "Pending"  # to be sent at `next_try_at`
        DELIVERED = "delivered", "Delivered"  # answered with 2xx
        FAILED = "failed", "Given up"  # not taken in time; `last_error` says why

    TRANSITIONS = {
        State.PENDING: frozenset({State.DELIVERED, State.FAILED}),
        State.DELIVERED: frozenset(),
        State.FAILED: frozenset({State.PENDING}),
    }

    id = models.BigAutoField(primary_key=True)  # the order of events of one object
    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE, related_name="deliveries")
    event = models.CharField(max_length=30, choices=Event.choices)
    object_key = models.UUIDField(help_text="Events of one object are delivered in order.")
    data = models.JSONField()
    occurred_at = models.DateTimeField(db_default=Now())
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING, db_default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0, db_default=0)
    next_try_at = models.DateTimeField(db_default=Now())
    claimed_until = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    last_status = models.PositiveSmallIntegerField(null=True, blank=True)
    last_error = models.CharField(max_length=300, blank=True, default="", db_default="")

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "deliveries"
        constraints = [
            models.CheckConstraint(
                name="delivery_delivered_has_time",
                condition=Q(state="delivered", delivered_at__isnull=False) | ~Q(state="delivered"),
            )
        ]
        indexes = [
            models.Index(fields=["next_try_at"], name="delivery_due", condition=Q(state="pending")),
            models.Index(
                fields=["subscription", "object_key", "id"], name="delivery_order", condition=Q(state="pending")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event} to {self.subscription_id} ({self.state})"
