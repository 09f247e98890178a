"""Ranking over the API: lease, draft, rank, skip, undo."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.idempotency import idempotent
from common.api import checked
from labeling import assignments, corrections, leases, rankings
from labeling.api import plain
from labeling.api.base import NOT_YOURS, RANKERS, ApiView, assignment_of, assignment_of_user, project_of, user_of
from labeling.api.direct import Answer, DirectView, NotOrdinary, Ordinary
from labeling.api.shapes import ranking as shapes
from labeling.models import Assignment, Ranking
from labeling.roles import standing_of


def task_body(assignment: Assignment) -> dict[str, object]:
    """What a trainer may know of a task: texts in the order drawn for them, never who wrote them."""
    comparison, project = assignment.comparison, assignment.comparison.project
    asked = {"criteria": project.criteria, "span_categories": project.span_categories}
    return {
        **{name: value for name, value in asked.items() if value},
        "id": assignment.pk,
        "state": assignment.state,
        "expires_at": assignment.expires_at,
        "guideline_version": assignment.guideline_version.number if assignment.guideline_version else None,
        "flags": project.flags,
        "comparison": {
            "id": comparison.pk,
            "prompt": comparison.prompt,
            "completions": [{"id": cid, "text": comparison.texts[cid]} for cid in assignment.order_shown],
        },
    }


def ranking_body(ranking: Ranking) -> dict[str, object]:
    """The fields of `shapes.RankingOut`."""
    names = ("id", "kind", "groups", "ratings", "flags", "note", "not_rankable", "submitted_at")
    return {name: getattr(ranking, name) for name in names}


class Assignments(DirectView):
    write_scope = "label"

    def direct_post(self, request: Ordinary, slug: str) -> Answer:
        plain.task(request.body)
        standing = standing_of(request.user, slug)
        if standing is None or standing.role not in RANKERS:
            raise NotOrdinary
        assignment, created = leases.lease_next(project=standing.project, trainer=request.user, by_program=True)
        if assignment is None:
            return self.answer(None, 204)
        return self.answer(task_body(assignment), 201 if created else 200)

    @extend_schema(
        summary="Take the next task",
        request=shapes.TaskIn,
        responses={
            201: OpenApiResponse(shapes.AssignmentOut, "A new lease."),
            200: OpenApiResponse(shapes.AssignmentOut, "The lease that is still open."),
            204: OpenApiResponse(None, "Nothing to do."),
        },
    )
    @idempotent
    def post(self, request: Request, slug: str) -> Response:
        project = project_of(request, slug, RANKERS)
        checked(shapes.TaskIn, request)
        assignment, created = leases.lease_next(project=project, trainer=user_of(request), by_program=True)
        if assignment is None:
            return Response(status=204)
        return Response(shapes.AssignmentOut(task_body(assignment)).data, status=201 if created else 200)


class OneAssignment(ApiView):
    @extend_schema(summary="A task of yours", responses=shapes.AssignmentOut)
    def get(self, request: Request, pk: UUID) -> Response:
        return Response(shapes.AssignmentOut(task_body(assignment_of(request, pk))).data)


class RankingView(DirectView):
    write_scope = "label"

    def direct_put(self, request: Ordinary, pk: UUID) -> Answer:
        submitted = rankings.submit_own(pk=pk, trainer=request.user, **plain.ranking(request.body))
        if submitted is None:
            raise Http404(NOT_YOURS)
        ranking, created = submitted
        return self.answer(ranking_body(ranking), 201 if created else 200)

    @extend_schema(
        summary="Submit the ranking",
        description="The same again is a 200; another one is a 409 until the first is undone. An order that "
        'contradicts the ratings is stored as such; with `"confirmed": false` it is a 409 of type '
        "`urn:duologue:needs-confirmation` first.",
        request=shapes.RankingIn,
        responses={
            201: OpenApiResponse(shapes.RankingOut, "Stored."),
            200: OpenApiResponse(shapes.RankingOut, "Was stored before."),
        },
    )
    def put(self, request: Request, pk: UUID) -> Response:
        assignment = assignment_of(request, pk)
        wanted = checked(shapes.RankingIn, request)
        wanted["not_rankable"] = wanted["not_rankable"] or ""
        ranking, created = rankings.submit_ranking(assignment=assignment, **wanted)
        return Response(shapes.RankingOut(ranking).data, status=201 if created else 200)


class Skip(ApiView):
    write_scope = "label"

    @extend_schema(summary="Give the task back", request=shapes.SkipIn, responses=shapes.Lease)
    @idempotent
    def post(self, request: Request, pk: UUID) -> Response:
        assignment = assignment_of(request, pk)
        skipped = assignments.skip(assignment=assignment, **checked(shapes.SkipIn, request))
        return Response(shapes.Lease(skipped).data)


class Heartbeat(ApiView):
    write_scope = "label"

    @extend_schema(summary="Still at it: put the expiry off", request=shapes.HeartbeatIn, responses=shapes.Lease)
    def post(self, request: Request, pk: UUID) -> Response:
        assignment = assignment_of(request, pk)
        kept = assignments.heartbeat(assignment=assignment, **checked(shapes.HeartbeatIn, request))
        return Response(shapes.Lease(kept).data)


class Undo(ApiView):
    write_scope = "label"

    @extend_schema(summary="Take the ranking back", request=None, responses=shapes.Lease)
    @idempotent
    def post(self, request: Request, pk: UUID) -> Response:
        return Response(shapes.Lease(corrections.undo_ranking(assignment=assignment_of(request, pk))).data)


class Draft(DirectView):
    write_scope = "label"

    def direct_patch(self, request: Ordinary, pk: UUID) -> Answer:
        draft, expected, seconds = plain.draft(request.body)
        assignment = assignment_of_user(request.user, pk)
        version = assignments.save_draft(assignment=assignment, draft=draft, expected_version=expected, seconds=seconds)
        return self.answer({"draft": draft, "version": version})

    @extend_schema(summary="Unfinished work", responses=shapes.DraftOut)
    def get(self, request: Request, pk: UUID) -> Response:
        assignment = assignment_of(request, pk)
        return Response({"draft": assignment.draft, "version": assignment.draft_version})

    @extend_schema(summary="Keep unfinished work", request=shapes.DraftIn, responses=shapes.DraftOut)
    def patch(self, request: Request, pk: UUID) -> Response:
        assignment = assignment_of(request, pk)
        wanted = checked(shapes.DraftIn, request)
        version = assignments.save_draft(
            assignment=assignment, draft=wanted["draft"], expected_version=wanted["version"], seconds=wanted["seconds"]
        )
        return Response({"draft": wanted["draft"], "version": version})
