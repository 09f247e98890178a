"""Pushes to the Hugging Face Hub over the API: list, start, watch; for managers of the project and operators."""

from __future__ import annotations

from typing import NotRequired, TypedDict
from uuid import UUID

from django.http import Http404
from django.urls import path as route
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.idempotency import idempotent
from common.api import PAGE_PARAMETERS, ApiView, CursorPages, Shape, checked, page_of
from exports.models import ExportRun
from hub import pushes
from hub.models import Push, Repository
from labeling.api.base import ROLE, project_of, user_of


class Wanted(TypedDict):
    export: UUID
    name: str
    private: NotRequired[bool]


class PushIn(Shape[Wanted]):
    export = serializers.UUIDField(help_text="A finished export of this project.")
    name = serializers.CharField(
        max_length=200, help_text="NAMESPACE/NAME: one of the project's data sets, or a new one of that name."
    )
    private = serializers.BooleanField(default=True, help_text="Of a new one; an earlier one stays as it is.")


class PushOut(serializers.ModelSerializer[Push]):
    name = serializers.CharField(source="repository.name", help_text="Of the data set on the Hub.")
    private = serializers.BooleanField(source="repository.private")
    data_set = serializers.CharField(source="repository.state", help_text="new, made, leaving or gone.")
    requested_by = serializers.CharField(source="requested_by.username", allow_null=True, default=None)
    percent = serializers.IntegerField(read_only=True)

    class Meta:
        model = Push
        fields = ["id", "name", "private", "data_set", "export", "state", "percent", "commit", "error", "requested_by",
                  "created_at", "finished_at"]  # fmt: skip
        read_only_fields = fields


class Pushes(ApiView):
    read_scope = write_scope = "export"

    @extend_schema(
        operation_id="pushes_list",
        summary="Pushes of a project's exports to the Hugging Face Hub, newest first",
        parameters=PAGE_PARAMETERS,
        responses=page_of(PushOut),
    )
    def get(self, request: Request, slug: str) -> Response:
        project = project_of(request, slug, (ROLE.MANAGER,), operator=True)
        rows = Push.objects.filter(repository__project=project).select_related("repository", "requested_by")
        pages = CursorPages()
        page = pages.paginate_queryset(rows, request)
        return pages.get_paginated_response(PushOut(page, many=True).data)

    @extend_schema(summary="Push an export to the Hub", request=PushIn, responses={201: PushOut})
    @idempotent
    def post(self, request: Request, slug: str) -> Response:
        project = project_of(request, slug, (ROLE.MANAGER,), operator=True)
        wanted = checked(PushIn, request)
        run = ExportRun.objects.select_related("project").filter(pk=wanted["export"], project=project).first()
        if run is None:
            raise Http404("This project has no such export.")
        there = Repository.objects.filter(project=project, name=wanted["name"]).exclude(state=Repository.State.GONE)
        push = pushes.request(
            run=run, by=user_of(request), repository=there.first(), name=wanted["name"],
            private=wanted.get("private", True),
        )  # fmt: skip
        return Response(PushOut(push).data, status=201)


class OnePush(ApiView):
    read_scope = "export"

    @extend_schema(summary="A push and how far it is", responses=PushOut)
    def get(self, request: Request, slug: str, pk: UUID) -> Response:
        project = project_of(request, slug, (ROLE.MANAGER,), operator=True)
        rows = Push.objects.filter(repository__project=project, pk=pk).select_related("repository", "requested_by")
        if (push := rows.first()) is None:
            raise Http404("This project has no such push.")
        return Response(PushOut(push).data)


urlpatterns = [
    route("projects/<slug:slug>/pushes/", Pushes.as_view()),
    route("projects/<slug:slug>/pushes/<uuid:pk>/", OnePush.as_view()),
]
