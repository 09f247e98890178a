"""The API's description: OpenAPI, a page for people made from it, and the answer to unknown addresses.

The page is plain HTML out of the same schema: no script, no other host.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from common.api import AlwaysJson, ApiView
from common.auth import SCOPES

SCHEMA_VIEW: dict[str, Any] = {
    "permission_classes": [AllowAny],
    "authentication_classes": [],
    "content_negotiation_class": AlwaysJson,
    "metadata_class": None,
}
PROBLEM = {
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
PUBLIC = ("/api/v1/schema/",)


class BearerScheme(OpenApiAuthenticationExtension):
    target_class = "accounts.tokens.BearerAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "description": "`manage.py create_token NAME` prints one."}


def add_problems(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """drf-spectacular hook: every operation's errors."""
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for address, methods in result["paths"].items():
        for method, operation in methods.items():
            if address in PUBLIC:
                operation["responses"]["429"] = {"description": ERRORS["429"], "content": content}
                continue
            for status, description in ERRORS.items():
                body = method in {"post", "put", "patch"}
                if status in {"413", "415", "422"} and not body:
                    continue
                operation["responses"].setdefault(status, {"description": description, "content": content})
    return result


def without_page(endpoints: list[tuple[str, str, str, Any]]) -> list[tuple[str, str, str, Any]]:
    """drf-spectacular hook: the catch-all is no part of the API."""
    return [e for e in endpoints if "{rest}" not in e[0]]


class NoSuchAddress(ApiView):
    """Whatever stands under /api/v1/ and is no address: 404 in JSON, whoever asks and however."""

    permission_classes = [AllowAny]

    @extend_schema(exclude=True)
    def get(self, request: Request, rest: str) -> Response:
        raise NotFound("There is no such address in the API. Addresses end in a slash; see /api/v1/docs/.")

    post = put = patch = delete = head = options = get  # type: ignore[assignment]


@login_not_required
@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """Every operation, from the schema."""
    schema = SchemaGenerator().get_schema(request=None, public=True)
    groups: dict[str, list[dict[str, Any]]] = {}
    for address, methods in schema["paths"].items():
        section = address.removeprefix("/api/v1/").split("/")[0]
        if section == "projects" and address.count("/") > 5:
            section = address.split("/")[5]
        for method, operation in methods.items():
            groups.setdefault(section, []).append(_operation(schema, address, method, operation))
    return render(request, "api/docs.html", {"groups": groups, "scopes": SCOPES, "info": schema["info"]})


def _operation(schema: dict[str, Any], address: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    return {
        "method": method.upper(),
        "address": address,
        "summary": operation.get("summary", ""),
        "description": operation.get("description", ""),
        "parameters": [p for p in operation.get("parameters", []) if p["in"] == "query"],
        "fields": _fields(schema, body),
        "answers": {s: r for s, r in sorted(operation["responses"].items()) if s.startswith("2")},
        "anchor": operation.get("operationId", ""),
    }


def _fields(schema: dict[str, Any], body: dict[str, Any]) -> list[dict[str, Any]]:
    """The members of a request's body, one level deep."""
    if "oneOf" in body:
        body = body["oneOf"][0]
    if "$ref" in body:
        body = schema["components"]["schemas"][body["$ref"].rsplit("/", 1)[1]]
        if "oneOf" in body:
            return _fields(schema, body)
    required = set(body.get("required", ()))
    return [
        {
            "name": name,
            "required": name in required,
            "type": _type(schema, member),
            "description": member.get("description", ""),
            "default": member.get("default"),
        }
        for name, member in body.get("properties", {}).items()
    ]


def _type(schema: dict[str, Any], member: dict[str, Any]) -> str:
    for key in ("allOf", "oneOf"):
        if key in member:
            return _type(schema, member[key][0])
    if "$ref" in member:
        target = schema["components"]["schemas"][member["$ref"].rsplit("/", 1)[1]]
        if "enum" in target:
            return " | ".join(f'"{value}"' for value in target["enum"])
        return "{" + ", ".join(target.get("properties", {})) + "}"
    if member.get("type") == "array":
        return f"[{_type(schema, member.get('items', {}))}…]"
    if "enum" in member:
        return " | ".join(f'"{value}"' for value in member["enum"])
    return str(member.get("format") or member.get("type") or "any")
