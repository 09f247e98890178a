"""Own completions, brought to be ranked, and what became of them."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.db.models import Prefetch, QuerySet
from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, PolymorphicProxySerializer, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.serializer_helpers import ReturnDict

from accounts.idempotency import idempotent
from common.api import PAGE_PARAMETERS, CursorPages, checked, checked_list, page_of
from labeling import comparisons
from labeling.api.base import ROLE, STAFF, ApiView, project_of, user_of
from labeling.api.shapes import comparisons as shapes
from labeling.errors import Invalid
from labeling.models import Candidate, Comparison, Project, Ranking
from labeling.quality import blind

MOST = 1000


ONE_OR_MANY = PolymorphicProxySerializer(
    "ComparisonOrList", [shapes.ComparisonIn, shapes.ComparisonIn(many=True)], None, many=False
)
BROUGHT = PolymorphicProxySerializer(
    "BroughtOrList", [shapes.BroughtComparison, shapes.BroughtComparison(many=True)], None, many=False
)


def judged() -> QuerySet[Comparison]:
    votes = Ranking.objects.in_force().select_related("trainer").order_by("submitted_at")
    return Comparison.objects.prefetch_related(
        "candidates__completion__model_version", Prefetch("rankings", queryset=votes)
    )


def comparison_body(comparison: Comparison, *, withheld: bool) -> ReturnDict[str, object]:
    """All that is known of a comparison, for reviewers and managers only; without names and votes where the reader
    may still rank it."""
    fields = ("id", "state", "kind", "created_at", "prompt")
    return shapes.ComparisonOut(
        {
            **{name: getattr(comparison, name) for name in fields},
            "votes": comparison.votes_wanted,
            "completions": [
                {"id": c.completion_id, "text": c.completion.text, "model_version": _name(c, withheld=withheld)}
                for c in comparison.candidates.all()
            ],
            "rankings": [] if withheld else comparison.rankings.all(),  # those in force, prefetched
            "withheld": withheld,
        }
    ).data


def _name(candidate: Candidate, *, withheld: bool) -> str:
    return "" if withheld else candidate.completion.model_name


class Comparisons(ApiView):
    write_scope = "import"

    @extend_schema(
        summary="Comparisons, newest first",
        parameters=[
            OpenApiParameter("state", str, enum=list(Comparison.State.values)),
            *PAGE_PARAMETERS,
        ],
        responses=page_of(shapes.ComparisonOut),
    )
    def get(self, request: Request, slug: str) -> Response:
        project = project_of(request, slug, STAFF, operator=True)
        rows = judged().filter(project=project)
        if state := request.query_params.get("state"):
            if state not in Comparison.State.values:
                raise Invalid(f"{state!r} is not a state; it takes {', '.join(Comparison.State.values)}.")
            rows = rows.filter(state=state)
        pages = CursorPages()
        page = pages.paginate_queryset(rows, request)
        shown = Comparison.objects.filter(pk__in=[row.pk for row in page or []])
        mine = set(blind.still_open(shown, user_of(request)).values_list("pk", flat=True))
        return pages.get_paginated_response([comparison_body(row, withheld=row.pk in mine) for row in page or []])

    @extend_schema(
        summary="Bring your own completions",
        description=f"One comparison or a list of up to {MOST}, all or none. What is there already is not made again.",
        request=ONE_OR_MANY,
        responses={201: OpenApiResponse(BROUGHT, "Made."), 200: OpenApiResponse(BROUGHT, "All were there already.")},
    )
    @idempotent
    def post(self, request: Request, slug: str) -> Response:
        project = project_of(request, slug, (ROLE.MANAGER,), operator=True)
        many = isinstance(request.data, list)
        if many and not 1 <= len(request.data) <= MOST:
            raise ValidationError(f"1 to {MOST} comparisons at a time.")
        wanted = checked_list(shapes.ComparisonIn, request) if many else [checked(shapes.ComparisonIn, request)]
        made = self._bring(project, wanted, request)
        body = shapes.BroughtComparison([comparison for comparison, _ in made], many=True).data
        created = any(new for _, new in made)
        return Response(body if many else body[0], status=201 if created else 200)

    @transaction.atomic
    def _bring(self, project: Project, wanted: list[shapes.Brought], request: Request) -> list[tuple[Comparison, bool]]:
        made = []
        for number, item in enumerate(wanted, start=1):
            try:
                made.append(comparisons.bring(project=project, by=user_of(request), **item))
            except Invalid as error:
                if not isinstance(request.data, list):
                    raise
                field = f"{number - 1}.{error.field}" if error.field else ""
                raise Invalid(f"Comparison {number}: {error}", field=field) from None
        return made


class OneComparison(ApiView):
    @extend_schema(summary="A comparison with its rankings", responses=shapes.ComparisonOut)
    def get(self, request: Request, pk: UUID) -> Response:
        found = judged().select_related("project").filter(pk=pk).first()
        if found is None:
            raise Http404("There is no such comparison.")
        project_of(request, found.project.slug, STAFF, operator=True)
        return Response(comparison_body(found, withheld=blind.is_open(found, user_of(request))))
