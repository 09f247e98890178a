"""What every API view shares: who may call (a token and its scopes), pages, rates, shapes.

Knows no model: a token is whatever the authentication put into `request.auth`. Errors become
problem details in `labeling/api/problems.py`.
"""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.pagination import CursorPagination
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

WRITING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Scoped(BasePermission):
    """Signed in by a token that has the scope of the view; GET needs `read` unless the view says otherwise."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not (request.user and request.user.is_authenticated):
            return False
        held = getattr(request.auth, "scopes", None) or []
        needed = view.write_scope if request.method in WRITING else view.read_scope
        if held and needed not in held:
            raise PermissionDenied(f"This token lacks the scope '{needed}'.")
        return True


class AlwaysJson(BaseContentNegotiation):
    """JSON whatever the Accept header asks for: there is nothing else to give."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        media_type = (request.content_type or "").partition(";")[0].strip().lower()
        return next((p for p in parsers if p.media_type == media_type or not media_type), None)

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> tuple[Any, str]:
        return renderers[0], renderers[0].media_type


class ApiView(APIView):
    """Base of every view of the API: token needed, scopes by method, JSON in and out."""

    permission_classes = [Scoped]
    content_negotiation_class = AlwaysJson
    metadata_class = None
    read_scope = "read"
    write_scope = "manage"


class CursorPages(CursorPagination):
    """`?limit=` rows a page and an opaque `?cursor=`; `next` and `previous` are addresses."""

    page_size = 50
    max_page_size = 200
    page_size_query_param = "limit"
    ordering: tuple[str, ...] = ("-created_at", "-id")


PAGE_PARAMETERS = [
    OpenApiParameter("cursor", str, description="Out of the last answer's `next`."),
    OpenApiParameter("limit", int, description="Rows a page, 1 to 200; default 50."),
]


def page_of(shape: type[serializers.BaseSerializer[Any]]) -> serializers.BaseSerializer[Any]:
    """The shape of one page of rows, for the OpenAPI."""
    return inline_serializer(
        f"{shape.__name__}Page",
        {
            "next": serializers.URLField(allow_null=True),
            "previous": serializers.URLField(allow_null=True),
            "results": shape(many=True),
        },
    )


class Shape(serializers.Serializer[Any]):
    """A serializer that only checks or writes a shape; what is allowed is the domain's decision."""


def checked(shape: type[serializers.Serializer[Any]], request: Request, **options: Any) -> Any:
    """The request's body in the form of `shape`.

    Raises:
        ValidationError: it does not have it (400).
    """
    serializer = shape(data=request.data, **options)
    serializer.is_valid(raise_exception=True)
    return serializer.validated_data
