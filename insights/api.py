"""Insights over the API, for reviewers and managers: the same report that the dashboards show."""

from __future__ import annotations

from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from insights import content_filter, red_team
from insights.reports import insights_of
from labeling.api.base import STAFF, ApiView, project_of
from labeling.errors import Invalid
from labeling.models import Project, Round

BIGGEST = 2_147_483_647


class InsightsView(ApiView):
    @extend_schema(
        summary="Agreement, model strengths, biases, drift, throughput",
        description="Kept and brought up to date every few minutes; `as_of` says when; docs/quality.md tells how.",
        parameters=[OpenApiParameter("round", int, description="Its number; none: the whole project.")],
        responses=OpenApiResponse(OpenApiTypes.OBJECT),
    )
    def get(self, request: Request, slug: str) -> Response:
        project = project_of(request, slug, STAFF, operator=True)
        wanted = request.query_params.get("round", "")
        if not wanted:
            return _answer(project, None)
        if not wanted.isascii() or not wanted.isdigit() or int(wanted) > BIGGEST:
            raise Invalid("round takes the number of a round.")
        found = project.rounds.filter(number=int(wanted)).first()
        if found is None:
            raise Http404(f"The project has no round {wanted}.")
        return _answer(project, found)


def _answer(project: Project, round_: Round | None) -> Response:
    """The report, or, while it is being made, only what it is about."""
    report = insights_of(project, round_)
    if report is None:
        return Response({"as_of": None, "project": project.slug, "round": round_.number if round_ else None})
    return Response(report)


class ContentFilterView(ApiView):
    @extend_schema(
        summary="The content filter against what people say",
        description="Of each filter: the confusion of what was flagged and what people say, by category and language, "
        "and what other thresholds would do, by the stored scores. Rates come with their 95% intervals.",
        responses=OpenApiResponse(OpenApiTypes.OBJECT),
    )
    def get(self, request: Request, slug: str) -> Response:
        project = project_of(request, slug, STAFF, operator=True)
        found = content_filter.found_of(project)
        return Response({"project": project.slug, "filters": [content_filter.as_json(one) for one in found]})


class RedTeamView(ApiView):
    @extend_schema(
        summary="How often each rule of the red-team work was broken",
        description="By version of the rule and by model version (null: all of them). Rates come with their 95% "
        "intervals; what a reviewer found counts for sure, else what the trainer says.",
        responses=OpenApiResponse(OpenApiTypes.OBJECT),
    )
    def get(self, request: Request, slug: str) -> Response:
        project = project_of(request, slug, STAFF, operator=True)
        return Response(
            {"project": project.slug, "rules": [red_team.as_json(one) for one in red_team.tries_of(project)]}
        )
