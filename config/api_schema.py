"""The OpenAPI description of the API: what is added to drf-spectacular's, and the answer to unknown addresses."""

from __future__ import annotations

from typing import TypedDict

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from common.api import AlwaysJson, ApiView

Schema = TypedDict(
    "Schema",
    {
        "$ref": str,
        "allOf": list["Schema"],
        "oneOf": list["Schema"],
        "type": str,
        "format": str,
        "enum": list[object],
        "items": "Schema",
        "properties": dict[str, "Schema"],
        "required": list[str],
        "description": str,
        "default": object,
    },
    total=False,
)
"""The form of a value, as far as we look at it."""

Parameter = TypedDict("Parameter", {"in": str, "name": str, "description": str}, total=False)


class Content(TypedDict, total=False):
    schema: Schema


class Answer(TypedDict, total=False):
    description: str
    content: dict[str, Content]


class RequestBody(TypedDict, total=False):
    content: dict[str, Content]


class Operation(TypedDict, total=False):
    operationId: str
    summary: str
    description: str
    parameters: list[Parameter]
    requestBody: RequestBody
    responses: dict[str, Answer]


class Info(TypedDict, total=False):
    title: str
    description: str
    version: str


class Components(TypedDict, total=False):
    schemas: dict[str, Schema]


class OpenApi(TypedDict):
    """A whole description."""

    info: Info
    paths: dict[str, dict[str, Operation]]
    components: Components


SCHEMA_VIEW = {
    "permission_classes": [AllowAny],
    "authentication_classes": [],
    "content_negotiation_class": AlwaysJson,
    "metadata_class": None,
}
PROBLEM: Schema = {
    "type": "object",
    "description": "Problem details, RFC 9457.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "A sentence for a person."},
        "errors": {"description": "What is wrong, by field."},
        "version": {"type": "integer", "description": "With 409: the version that stands now."},
        "pairs": {"type": "array", "items": {"type": "array", "items": {"type": "string"}}},
    },
}
ERRORS = {
    "400": "Not of the right shape, or refused with a sentence.",
    "401": "No token, or one that is unknown, revoked or expired.",
    "403": "Your role or the token's scopes do not include it.",
    "404": "Not there, or not yours to see.",
    "409": "Something else is there already.",
    "410": "Not open to you any more.",
    "413": "Too large.",
    "415": "The body is not application/json.",
    "422": "The Idempotency-Key was used for another request.",
    "429": "Too many requests; Retry-After says when to come back.",
}
OF_BODIES = frozenset({"413", "415", "422"})
WITH_BODY = frozenset({"post", "put", "patch"})
PUBLIC = ("/api/v1/schema/",)


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # its __init_subclass__ has no types
    target_class = "accounts.tokens.BearerAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "`manage.py create_token NAME` prints one."}


def add_problems(result: OpenApi, generator: object, request: object, public: bool) -> OpenApi:
    """drf-spectacular hook: every operation's errors."""
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM
    content: dict[str, Content] = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for address, methods in result["paths"].items():
        for method, operation in methods.items():
            if address in PUBLIC:
                operation["responses"]["429"] = {"description": ERRORS["429"], "content": content}
                continue
            for status, description in ERRORS.items():
                if status in OF_BODIES and method not in WITH_BODY:
                    continue
                operation["responses"].setdefault(status, {"description": description, "content": content})
    return result


def without_page(endpoints: list[tuple[str, str, str, object]]) -> list[tuple[str, str, str, object]]:
    """drf-spectacular hook: the answer to unknown addresses is not part of the API."""
    return [endpoint for endpoint in endpoints if "{rest}" not in endpoint[0]]


class NoSuchAddress(ApiView):
    """Whatever stands under /api/v1/ and is not an address: 404 in JSON, whoever asks and however."""

    permission_classes = [AllowAny]

    @extend_schema(exclude=True)
    def get(self, request: Request, rest: str) -> Response:
        raise NotFound("There is no such address in the API. Addresses end in a slash; see /api/v1/docs/.")

    post = put = patch = delete = head = options = get  # type: ignore[assignment]
