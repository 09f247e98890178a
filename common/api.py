"""What every API view shares: who may call (a token and its scopes), pages, rates, shapes.

Knows no model: a token is whatever the authentication put into `request.auth`. Errors become
problem details in `labeling/api/problems.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Generic, Protocol, cast

from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.pagination import CursorPagination
from rest_framework.parsers import BaseParser
from rest_framework.permissions import BasePermission
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.views import APIView
from typing_extensions import TypeVar

Body = TypeVar("Body", default=dict[str, Any])  # what a shape makes of a request's body: a TypedDict, where it says so
Row = TypeVar("Row")
UNKNOWN_KEY = "There is no such key here; it takes {}."
MOST_NAMED = 50  # unknown keys in one answer
WRITING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class HasScopes(Protocol):
    """A view that says which scopes its callers need."""

    read_scope: str
    write_scope: str


class Scoped(BasePermission):
    """Signed in by a token that has the scope of the view; GET needs `read` unless the view says otherwise."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not (request.user and request.user.is_authenticated):
            return False
        held = getattr(request.auth, "scopes", None) or []
        scopes = cast(HasScopes, view)
        needed = scopes.write_scope if request.method in WRITING else scopes.read_scope
        if held and needed not in held:
            raise PermissionDenied(f"This token lacks the scope '{needed}'.")
        return True


class AlwaysJson(BaseContentNegotiation):
    """JSON whatever the Accept header asks for: there is nothing else to give."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        media_type = (request.content_type or "").partition(";")[0].strip().lower()
        return next((p for p in parsers if p.media_type == media_type or not media_type), None)

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        first = next(iter(renderers))
        return first, first.media_type


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


def page_of(shape: type[serializers.Serializer[Row]]) -> serializers.Serializer[Row]:
    """The shape of one page of rows, for the OpenAPI."""
    page: serializers.Serializer[Row] = inline_serializer(
        f"{shape.__name__}Page",
        {
            "next": serializers.URLField(allow_null=True),
            "previous": serializers.URLField(allow_null=True),
            "results": shape(many=True),
        },
    )
    return page


class Shape(serializers.Serializer[Any], Generic[Body]):
    """A serializer that only checks or writes a shape; what is allowed is the domain's decision.

    A key that it does not know is an error: it was meant, and dropping it would do something else than what was asked.
    """

    def to_internal_value(self, data: object) -> object:
        known = [name for name, field in self.fields.items() if not field.read_only]
        unknown = [key for key in data if key not in known] if isinstance(data, Mapping) else []
        if not unknown:
            return super().to_internal_value(data)
        errors: dict[str, Any] = {str(key): [UNKNOWN_KEY.format(", ".join(known))] for key in unknown[:MOST_NAMED]}
        try:
            super().to_internal_value(data)
        except ValidationError as error:
            errors |= error.detail if isinstance(error.detail, dict) else {}
        raise ValidationError(errors)


def checked(shape: type[Shape[Body]], request: Request) -> Body:
    """The request's body in the form of `shape`.

    Raises:
        ValidationError: it does not have it (400).
    """
    serializer = shape(data=request.data)
    serializer.is_valid(raise_exception=True)
    body: Body = serializer.validated_data
    return body


def checked_list(shape: type[Shape[Body]], request: Request) -> list[Body]:
    """The request's body as a list of such forms.

    Raises:
        ValidationError: it is something else (400).
    """
    serializer = shape(data=request.data, many=True)
    serializer.is_valid(raise_exception=True)
    bodies: list[Body] = serializer.validated_data
    return bodies
