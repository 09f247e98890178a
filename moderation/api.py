"""Reports of a problem with a model's reply over the API; and what people said of replies, for reviewers."""

from __future__ import annotations

from uuid import UUID

from django.urls import path as route
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.serializer_helpers import ReturnDict

from common.api import PAGE_PARAMETERS, ApiView, CursorPages, Shape, checked, page_of
from labeling import feedback
from labeling.api.base import STAFF, project_of, turn_of, user_of
from labeling.feedback import MOST_CHARACTERS, Problem
from labeling.models import TurnFeedback
from moderation import problems

PROBLEMS = [(problem.value, problem.value) for problem in Problem]


class ReportIn(Shape):
    problem = serializers.ChoiceField(PROBLEMS)
    harm = serializers.CharField(max_length=60, default="", allow_blank=True, help_text="A category of the filters.")
    comment = serializers.CharField(max_length=MOST_CHARACTERS, default="", allow_blank=True)
    ideal_answer = serializers.CharField(max_length=MOST_CHARACTERS, default="", allow_blank=True)


class ReportOut(Shape):
    problem = serializers.CharField()
    thumb_up = serializers.BooleanField(allow_null=True, help_text="null: no thumb.")
    comment = serializers.CharField(allow_blank=True)
    ideal_answer = serializers.CharField(allow_blank=True)


class OpinionOut(ReportOut):
    id = serializers.UUIDField()
    dialogue = serializers.UUIDField()
    turn = serializers.UUIDField()
    reply = serializers.CharField(help_text="What the model wrote.")
    problem = serializers.CharField(allow_null=True, help_text="null: a thumb without a report.")
    reasons = serializers.ListField(child=serializers.CharField())
    user = serializers.CharField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class Report(ApiView):
    write_scope = "label"

    @extend_schema(
        summary="Report a problem with a model's turn",
        description="In the place of what you reported of it before. It is a thumb down too, but for `filter`: that "
        "says of a text that the content filter flagged that it is harmless, of any other that its harm was missed.",
        request=ReportIn,
        responses=ReportOut,
    )
    def put(self, request: Request, pk: UUID) -> Response:
        turn = turn_of(request, pk, own=False)
        given = problems.report(turn=turn, user=user_of(request), **checked(ReportIn, request))
        body = {"problem": feedback.problem_of(given), **_said(given)}
        return Response(ReportOut(body).data)

    @extend_schema(summary="Take back what you said of a model's turn, thumb and report", responses={204: None})
    def delete(self, request: Request, pk: UUID) -> Response:
        problems.take_back(turn=turn_of(request, pk, own=False), user=user_of(request))
        return Response(status=204)


def _said(given: TurnFeedback) -> dict[str, object]:
    return {name: getattr(given, name) for name in ("thumb_up", "comment", "ideal_answer")}


def opinion_body(given: TurnFeedback) -> ReturnDict[str, object]:
    names = ("id", "reasons", "created_at", "updated_at")
    body = {
        **{name: getattr(given, name) for name in names},
        **_said(given),
        "problem": feedback.problem_of(given),
        "dialogue": given.turn.dialogue_id,
        "turn": given.turn_id,
        "reply": given.turn.text,
        "user": str(given.user),
    }
    return OpinionOut(body).data


class Opinions(ApiView):
    @extend_schema(
        summary="What people said of replies, newest first",
        parameters=[
            OpenApiParameter("problem", str, enum=list(Problem.values), description="Only reports of it."),
            OpenApiParameter("thumb", str, enum=["up", "down"]),
            *PAGE_PARAMETERS,
        ],
        responses=page_of(OpinionOut),
    )
    def get(self, request: Request, slug: str) -> Response:
        project = project_of(request, slug, STAFF, operator=True)
        wanted = request.query_params
        rows = feedback.narrowed(
            feedback.of_project(project), problem=wanted.get("problem", ""), thumb=wanted.get("thumb", "")
        )
        pages = CursorPages()
        found = pages.paginate_queryset(rows, request)
        return pages.get_paginated_response([opinion_body(row) for row in found or []])


urlpatterns = [
    route("projects/<slug:slug>/feedback/", Opinions.as_view()),
    route("turns/<uuid:pk>/report/", Report.as_view()),
]
