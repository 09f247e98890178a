"""Questions over the API: asked, read, taken back; answered by managers."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.serializer_helpers import ReturnDict

from accounts.idempotency import idempotent
from accounts.models import User
from common.api import PAGE_PARAMETERS, CursorPages, checked, page_of
from labeling import questions
from labeling.api.base import RANKERS, ROLE, ApiView, assignment_of, dialogue_of, project_of, user_of
from labeling.api.shapes import questions as shapes
from labeling.errors import Invalid
from labeling.models import Project, Question, Ranking
from labeling.projects import role_of

OPEN = OpenApiParameter("open", bool, description="Only those without an answer.")


def question_body(question: Question, user: User) -> ReturnDict[str, object]:
    version = question.guideline_version
    names = ("id", "about", "comparison_id", "dialogue_id", "ranking_id", "text", "created_at", "answer", "answered_at")
    body = {
        **{name.removesuffix("_id"): getattr(question, name) for name in names},
        "guideline_version": version.number if version else None,
        "yours": question.asked_by_id == user.pk,
        "for_everybody": question.for_everybody,
    }
    return shapes.QuestionOut(body).data


class Questions(ApiView):
    write_scope = "label"

    @extend_schema(
        summary="Questions of the project that you may read, newest first",
        parameters=[OPEN, *PAGE_PARAMETERS],
        responses=page_of(shapes.QuestionOut),
    )
    def get(self, request: Request, slug: str) -> Response:
        project, user = project_of(request, slug, RANKERS, operator=True), user_of(request)
        rows = questions.visible_to(user).filter(project=project).select_related("guideline_version")
        if request.query_params.get("open", "") in ("1", "true"):
            rows = rows.open()
        pages = CursorPages()
        found = pages.paginate_queryset(rows, request)
        return pages.get_paginated_response([question_body(row, user) for row in found or []])

    @extend_schema(
        summary="Ask about the guidelines, or about one task",
        description="Without `assignment`, `dialogue` and `ranking`, of which one at most is given: the guidelines.",
        request=shapes.QuestionIn,
        responses={201: shapes.QuestionOut},
    )
    @idempotent
    def post(self, request: Request, slug: str) -> Response:
        project, user = project_of(request, slug, RANKERS), user_of(request)
        wanted = checked(shapes.QuestionIn, request)
        about = {name: wanted[name] for name in ("assignment", "dialogue", "ranking") if wanted[name]}
        if len(about) > 1:
            raise Invalid("A question is about one thing.")
        if "assignment" in about:
            comparison = assignment_of(request, about["assignment"]).comparison
            _require_in(project, comparison.project_id)
            made = questions.ask(by=user, text=wanted["text"], comparison=comparison)
        elif "dialogue" in about:
            dialogue = dialogue_of(request, about["dialogue"], own=False)
            _require_in(project, dialogue.project_id)
            made = questions.ask(by=user, text=wanted["text"], dialogue=dialogue)
        elif "ranking" in about:
            made = questions.ask(by=user, text=wanted["text"], ranking=_ranking(project, user, about["ranking"]))
        else:
            made = questions.ask(by=user, text=wanted["text"], project=project)
        return Response(question_body(made, user), status=201)


def _require_in(project: Project, project_id: UUID) -> None:
    if project_id != project.pk:
        raise Http404("That is in another project.")


def _ranking(project: Project, user: User, pk: UUID) -> Ranking:
    rows = Ranking.objects.filter(comparison__project=project).select_related("comparison__project")
    found = rows.filter(pk=pk).first() if role_of(project, user) in (ROLE.REVIEWER, ROLE.MANAGER) else None
    if found is None:
        raise Http404("There is no such ranking that you review.")
    return found


class OneQuestion(ApiView):
    write_scope = "label"

    @extend_schema(summary="A question with its answer", responses=shapes.QuestionOut)
    def get(self, request: Request, pk: UUID) -> Response:
        return Response(question_body(_question(request, pk), user_of(request)))

    @extend_schema(summary="Take your question back while it has no answer", responses={204: None})
    def delete(self, request: Request, pk: UUID) -> Response:
        found = _question(request, pk)
        if found.asked_by_id != user_of(request).pk:
            raise Http404("There is no such question of yours.")
        questions.take_back(question=found, by=user_of(request))
        return Response(status=204)


class Answer(ApiView):
    @extend_schema(
        summary="Answer a question, or change the answer",
        description="A 409 where somebody answered meanwhile: read it, and name it in `instead_of` to replace it.",
        request=shapes.AnswerIn,
        responses=shapes.QuestionOut,
    )
    def put(self, request: Request, pk: UUID) -> Response:
        found = _question(request, pk)
        project_of(request, found.project.slug, (ROLE.MANAGER,), operator=True)
        wanted = checked(shapes.AnswerIn, request)
        made = questions.answer(question=found, by=user_of(request), **wanted)
        return Response(question_body(made, user_of(request)))


def _question(request: Request, pk: UUID) -> Question:
    rows = questions.visible_to(user_of(request)).select_related("guideline_version", "project")
    found = rows.filter(pk=pk).first()
    if found is None:
        raise Http404("There is no such question, or it is not yours to see.")
    return found
