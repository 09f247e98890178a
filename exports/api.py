"""Exports over the API: ask, watch, download; for managers of the project and operators."""

from __future__ import annotations

import re
from uuid import UUID

from django.http import Http404, StreamingHttpResponse
from django.urls import path as route
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.audit import address_of, record
from accounts.idempotency import idempotent
from common.api import PAGE_PARAMETERS, ApiView, CursorPages, Shape, checked, page_of
from common.downloads import Download
from exports import runs
from exports.models import ExportRun
from exports.options import CONSENSUS, Options
from labeling.api.base import ROLE, project_of, user_of
from labeling.errors import Gone


class ExportIn(Shape):
    project = serializers.SlugField(max_length=60)
    cutoff = serializers.DateTimeField(default=None, allow_null=True, help_text="In the past; default: now.")
    config = serializers.ListField(
        child=serializers.CharField(max_length=30), required=False, help_text="Default: all but moderation."
    )
    render = serializers.ListField(child=serializers.CharField(max_length=30), required=False)
    round = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=2_147_483_647)
    since = serializers.CharField(required=False, allow_null=True, max_length=40, help_text="Cutoff of an earlier one.")
    consensus = serializers.ChoiceField(CONSENSUS, required=False, help_text="Empty: every vote.")
    redact = serializers.BooleanField(required=False)
    shards = serializers.IntegerField(required=False, min_value=1, max_value=1000)
    compress = serializers.ChoiceField(["", "gzip", "zstd"], required=False)
    mix = serializers.DictField(child=serializers.FloatField(), required=False, help_text="Source to weight.")
    options = serializers.DictField(required=False, help_text="Further filters, as docs/formats.md names them.")


class ExportOut(serializers.ModelSerializer[ExportRun]):
    project = serializers.CharField(source="project.slug")
    files = serializers.SerializerMethodField(help_text="Once finished.")

    class Meta:
        model = ExportRun
        fields = ["id", "project", "state", "trigger", "cutoff", "options", "rows_written", "rows_expected",
                  "created_at", "started_at", "finished_at", "error", "files"]  # fmt: skip

    def get_files(self, run: ExportRun) -> list[dict[str, str | int]]:
        listed = (run.manifest or {}).get("files", []) if run.state == ExportRun.State.FINISHED else []
        return [{name: file[name] for name in ("path", "rows", "bytes", "sha256")} for file in listed]


def run_of(request: Request, pk: UUID) -> ExportRun:
    found = ExportRun.objects.visible_to(user_of(request)).select_related("project").filter(pk=pk).first()
    if found is None:
        raise Http404("There is no such export, or you do not manage its project.")
    return found


class Exports(ApiView):
    read_scope = write_scope = "export"

    @extend_schema(
        operation_id="exports_list",
        summary="Exports, newest first",
        parameters=[OpenApiParameter("project", str, description="Slug."), *PAGE_PARAMETERS],
        responses=page_of(ExportOut),
    )
    def get(self, request: Request) -> Response:
        rows = ExportRun.objects.visible_to(user_of(request)).select_related("project")
        if slug := request.query_params.get("project"):
            rows = rows.filter(project__slug=slug.replace("\x00", ""))
        pages = CursorPages()
        page = pages.paginate_queryset(rows, request)
        return pages.get_paginated_response(ExportOut(page, many=True).data)

    @extend_schema(summary="Ask for an export", request=ExportIn, responses={201: ExportOut})
    @idempotent
    def post(self, request: Request) -> Response:
        wanted = checked(ExportIn, request)
        project = project_of(request, wanted.pop("project"), (ROLE.MANAGER,), operator=True)
        cutoff, further = wanted.pop("cutoff"), wanted.pop("options", {})
        options = Options.from_dict({**further, **wanted})
        run = runs.request(project=project, trigger="api", options=options, cutoff=cutoff, by=user_of(request))
        return Response(ExportOut(run).data, status=201)


class OneExport(ApiView):
    read_scope = "export"

    @extend_schema(summary="An export, its progress and its files", responses=ExportOut)
    def get(self, request: Request, pk: UUID) -> Response:
        return Response(ExportOut(run_of(request, pk)).data)


class ExportFileView(ApiView):
    read_scope = "export"

    @extend_schema(
        summary="A file of a finished export",
        parameters=[OpenApiParameter("path", str, OpenApiParameter.PATH, description="As the manifest writes it.")],
        responses={(200, "application/octet-stream"): OpenApiResponse(OpenApiTypes.BINARY)},
    )
    def get(self, request: Request, pk: UUID, path: str) -> StreamingHttpResponse:
        run = run_of(request, pk)
        if run.state == ExportRun.State.REMOVED:
            raise Gone("The files of this export were removed.")
        try:
            file = runs.opened(run=run, path=path)
        except FileNotFoundError:
            raise Http404("This export has no such file, or not yet, or not any more.") from None
        record(actor=user_of(request), action="export.downloaded", obj=run, address=address_of(request))
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", path)
        return Download(file, filename=name, size=run.sizes.get(path))


urlpatterns = [
    route("exports/", Exports.as_view()),
    route("exports/<uuid:pk>/", OneExport.as_view()),
    route("exports/<uuid:pk>/files/<path:path>", ExportFileView.as_view()),
]
