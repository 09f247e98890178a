"""Webhooks over the API; for managers of the project and operators.

Answers that hold a secret take no Idempotency-Key: a kept reply would keep the secret.
"""

from __future__ import annotations

from typing import TypedDict
from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.idempotency import idempotent
from common.api import PAGE_PARAMETERS, ApiView, CursorPages, Shape, checked, page_of
from labeling.api.base import ROLE, project_of, user_of
from webhooks import outbox, signing, subscriptions
from webhooks.models import Delivery, Event, Subscription


class WebhookBody(TypedDict):
    url: str
    events: list[str]


class WebhookIn(Shape[WebhookBody]):
    url = serializers.CharField(max_length=500)
    events = serializers.ListField(child=serializers.ChoiceField(Event.choices), min_length=1, max_length=10)


class WebhookOut(serializers.ModelSerializer[Subscription]):
    class Meta:
        model = Subscription
        fields = ["id", "url", "events", "created_at", "ended_at", "ended_reason"]


class WebhookMade(WebhookOut):
    secret = serializers.SerializerMethodField(help_text="Checks signatures (Standard Webhooks).")

    class Meta(WebhookOut.Meta):
        fields = [*WebhookOut.Meta.fields, "secret"]

    def get_secret(self, subscription: Subscription) -> str:
        return signing.secret_of(subscription)


class DeliveryOut(serializers.ModelSerializer[Delivery]):
    class Meta:
        model = Delivery
        fields = ["id", "event", "data", "occurred_at", "state", "attempts", "next_try_at", "delivered_at",
                  "last_status", "last_error"]  # fmt: skip


class DeliveryPages(CursorPages):
    ordering: tuple[str, ...] = ("-id",)


def webhook_of(request: Request, pk: UUID) -> Subscription:
    found = Subscription.objects.managed_by(user_of(request)).select_related("project").filter(pk=pk).first()
    if found is None:
        raise Http404("There is no such webhook.")
    return found


class Webhooks(ApiView):
    read_scope = "manage"

    @extend_schema(summary="Webhooks of the project", responses=WebhookOut(many=True))
    def get(self, request: Request, slug: str) -> Response:
        project = project_of(request, slug, (ROLE.MANAGER,), operator=True)
        return Response(WebhookOut(project.webhooks.all()[:200], many=True).data)

    @extend_schema(summary="Be told of events", request=WebhookIn, responses={201: WebhookMade})
    def post(self, request: Request, slug: str) -> Response:
        project = project_of(request, slug, (ROLE.MANAGER,), operator=True)
        wanted = checked(WebhookIn, request)
        made = subscriptions.subscribe(project=project, by=user_of(request), **wanted)
        return Response(WebhookMade(made).data, status=201)


class OneWebhook(ApiView):
    read_scope = "manage"

    @extend_schema(summary="A webhook", responses=WebhookOut)
    def get(self, request: Request, pk: UUID) -> Response:
        return Response(WebhookOut(webhook_of(request, pk)).data)

    @extend_schema(summary="Stop being told", responses={204: None})
    def delete(self, request: Request, pk: UUID) -> Response:
        subscriptions.end(subscription=webhook_of(request, pk), by=user_of(request))
        return Response(status=204)


class Secret(ApiView):
    @extend_schema(summary="Make a new secret, in force at once", request=None, responses=WebhookMade)
    def post(self, request: Request, pk: UUID) -> Response:
        renewed = subscriptions.renew_secret(subscription=webhook_of(request, pk), by=user_of(request))
        return Response(WebhookMade(renewed).data)


class Deliveries(ApiView):
    read_scope = "manage"

    @extend_schema(summary="The delivery log, newest first", parameters=PAGE_PARAMETERS, responses=page_of(DeliveryOut))
    def get(self, request: Request, pk: UUID) -> Response:
        pages = DeliveryPages()
        rows = pages.paginate_queryset(Delivery.objects.filter(subscription=webhook_of(request, pk)), request)
        return pages.get_paginated_response(DeliveryOut(rows, many=True).data)


class SendAgain(ApiView):
    @extend_schema(summary="Send again what was given up", request=None, responses=DeliveryOut)
    @idempotent
    def post(self, request: Request, pk: UUID, number: int) -> Response:
        found = Delivery.objects.filter(subscription=webhook_of(request, pk), pk=min(number, 2**63 - 1)).first()
        if found is None:
            raise Http404("There is no such delivery.")
        outbox.send_again(delivery=found)
        found.refresh_from_db()
        return Response(DeliveryOut(found).data)
