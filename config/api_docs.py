"""A page for people out of the API's OpenAPI description: plain HTML, no script, no other host."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import cast

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularJSONAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import AnonRateThrottle
from rest_framework.views import APIView

from common.auth import SCOPES
from config.api_schema import Answer, OpenApi, Operation, Parameter, Schema


@dataclass(frozen=True)
class Field:
    """A member of a request's body."""

    name: str
    required: bool
    type: str
    description: str
    default: object


@dataclass(frozen=True)
class Entry:
    """An operation as the page shows it."""

    method: str
    address: str
    summary: str
    description: str
    parameters: list[Parameter]
    fields: list[Field]
    answers: dict[str, Answer]
    anchor: str


@login_not_required
@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """Every operation, from the schema."""
    if not limited(request):
        return HttpResponse("Too many requests: try again in a minute.\n", status=429, content_type="text/plain")
    return render(request, "api/docs.html", {"groups": _groups(), "scopes": SCOPES, "info": description()["info"]})


def limited(request: HttpRequest) -> bool:
    """Whether a stranger may have one more page of those that the API's limit for strangers allows."""
    return bool(AnonRateThrottle().allow_request(cast(Request, request), cast(APIView, None)))


@cache
def description() -> OpenApi:
    """The API's description: the same for everybody, and made once, since making it takes seconds."""
    generator = SchemaGenerator()  # type: ignore[no-untyped-call]
    made: OpenApi = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return made


@cache
def _groups() -> dict[str, list[Entry]]:
    api = description()
    groups: dict[str, list[Entry]] = {}
    for address, methods in api["paths"].items():
        for method, operation in methods.items():
            groups.setdefault(_section(address), []).append(_entry(api, address, method, operation))
    return groups


class Description(SpectacularJSONAPIView):
    """The description for programs."""

    @extend_schema(responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request, *args: object, **kwargs: object) -> Response:
        return Response(description(), headers={"Content-Disposition": 'inline; filename="schema.json"'})


def _section(address: str) -> str:
    parts = address.removeprefix("/api/v1/").split("/")
    return parts[2] if parts[0] == "projects" and len(parts) > 3 else parts[0]


def _entry(api: OpenApi, address: str, method: str, operation: Operation) -> Entry:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    return Entry(
        method=method.upper(),
        address=address,
        summary=operation.get("summary", ""),
        description=operation.get("description", ""),
        parameters=[p for p in operation.get("parameters", []) if p["in"] == "query"],
        fields=_fields(api, body),
        answers={s: answer for s, answer in sorted(operation["responses"].items()) if s.startswith("2")},
        anchor=operation.get("operationId", ""),
    )


def _fields(api: OpenApi, body: Schema) -> list[Field]:
    """The members of a request's body, one level deep."""
    if "oneOf" in body:
        body = body["oneOf"][0]
    if "$ref" in body:
        body = _referred(api, body["$ref"])
        if "oneOf" in body:
            return _fields(api, body)
    required = set(body.get("required", ()))
    return [
        Field(name, name in required, _type(api, member), member.get("description", ""), member.get("default"))
        for name, member in body.get("properties", {}).items()
    ]


def _referred(api: OpenApi, reference: str) -> Schema:
    return api["components"]["schemas"][reference.rsplit("/", 1)[1]]


def _type(api: OpenApi, member: Schema) -> str:
    if parts := member.get("allOf") or member.get("oneOf"):
        return _type(api, parts[0])
    if "$ref" in member:
        target = _referred(api, member["$ref"])
        return _choice(target["enum"]) if "enum" in target else "{" + ", ".join(target.get("properties", {})) + "}"
    if member.get("type") == "array":
        return f"[{_type(api, member.get('items', {}))}…]"
    if "enum" in member:
        return _choice(member["enum"])
    return str(member.get("format") or member.get("type") or "any")


def _choice(values: list[object]) -> str:
    return " | ".join(f'"{value}"' for value in values)
