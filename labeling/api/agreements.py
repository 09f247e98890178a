"""What is agreed to before a task is given, over the API: terms, a new version of the guidelines, for
guests what is kept of what they write."""

from __future__ import annotations

from dataclasses import asdict

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from common.api import ApiView, checked
from labeling import agreements, kept
from labeling.api.base import project_of, user_of
from labeling.api.shapes import agreements as shapes
from labeling.models import Project


class Agreements(ApiView):
    write_scope = "label"

    @extend_schema(summary="What you have to agree to before the next task", responses=shapes.OwedOut(many=True))
    def get(self, request: Request, slug: str) -> Response:
        return Response(_owed(project_of(request, slug), request))

    @extend_schema(
        summary="Agree to a version",
        description="The same again changes nothing. Another version than the one in force is a 409.",
        request=shapes.AgreementIn,
        responses=shapes.OwedOut(many=True),
    )
    def post(self, request: Request, slug: str) -> Response:
        project = project_of(request, slug)
        wanted = checked(shapes.AgreementIn, request)
        agreements.agree(project=project, person=user_of(request), what=wanted["what"], number=wanted["version"])
        return Response(_owed(project, request))


def _owed(project: Project, request: Request) -> object:
    owed = agreements.owed(project, user_of(request))
    if owed is None:
        return []
    if owed.what == agreements.NOTICE:
        text = kept.as_markdown()
    elif owed.what == agreements.RETURN:
        text = kept.COMING_BACK
    else:
        text = agreements.versions_of_text(project, owed.what).get(number=owed.version).text
    return shapes.OwedOut([{**asdict(owed), "text": text}], many=True).data
