"""Admin pages of webhooks: who is told of what, and the delivery log. Webhooks are made over the API,
which shows their secret once."""

from __future__ import annotations

from typing import cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.models import User
from common.admin import BigTableAdmin, ProjectScopedAdmin
from webhooks import outbox, subscriptions
from webhooks.models import Delivery, Subscription


@admin.register(Subscription)
class SubscriptionAdmin(ProjectScopedAdmin[Subscription]):
    list_display = ("url", "project", "events", "created_at", "ended_at", "ended_reason")
    list_select_related = ("project",)
    fields = ("project", "url", "events", "created_by", "created_at", "ended_at", "ended_reason")
    actions = ("end",)
    list_before_template = "admin/webhooks/how.html"

    @admin.action(description="End")
    def end(self, request: HttpRequest, rows: QuerySet[Subscription]) -> None:
        ended = sum(subscriptions.end(subscription=row, by=cast(User, request.user)) for row in rows)
        self.message_user(request, f"{ended} ended.")


@admin.register(Delivery)
class DeliveryAdmin(BigTableAdmin[Delivery]):
    project_lookup = "subscription__project"
    list_display = ("id", "event", "subscription", "occurred_at", "state", "attempts", "last_status", "last_error")
    list_filter = ("state", "event")
    list_select_related = ("subscription",)
    fields = (*list_display, "data", "next_try_at", "delivered_at")
    actions = ("send_again",)

    @admin.action(description="Send again what was given up")
    def send_again(self, request: HttpRequest, rows: QuerySet[Delivery]) -> None:
        queued = sum(outbox.send_again(delivery=row) for row in rows)
        self.message_user(request, f"{queued} will be sent again.")
