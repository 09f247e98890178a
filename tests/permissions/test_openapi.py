"""The API against its own description: whatever schemathesis thinks of sending, no 5xx and no status that
the OpenAPI does not name, on rows that exist."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from django.core.cache import cache
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from schemathesis import Case, checks
from schemathesis.core.adapter import OperationParameter, ResponsesContainer
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi import checks as openapi_checks
from schemathesis.specs.openapi.schemas import OpenApiSchema

from accounts import tokens
from tests.permissions.conftest import People, Rows

Operation = APIOperation[OperationParameter, ResponsesContainer[object], object, OpenApiSchema]
CHECKS = [
    checks.not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_schema_conformance,
]
# Which row an `{id}` stands for, by the first part of the address; who owns it, asks.
ROWS = {
    "assignments": "assignment",
    "comparisons": "comparison",
    "dialogues": "demonstration",
    "turns": "turn",
    "webhooks": "webhook",
    "exports": "export",
}
OWNERS = {"assignments": "owner", "dialogues": "owner", "turns": "owner", "model-versions": "operator"}


@pytest.fixture
def description(unhindered: None, people: People, rows: Rows) -> OpenApiSchema:
    return schemathesis.openapi.from_wsgi("/api/v1/schema/", get_wsgi_application())


@pytest.fixture
def unhindered(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No throttle: what is tried is the API, not its patience. And requests that leave this test's connection
    to the database open, as those of Django's test client do."""
    from rest_framework.views import APIView

    cache.clear()
    monkeypatch.setattr(APIView, "throttle_classes", [])
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def fuzz(description: OpenApiSchema, people: People, rows: Rows, *, examples: int) -> None:
    keys = {name: tokens.create(user=user) for name, user in people.items() if user is not None}
    problems = []
    for found in description.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        section = operation.path.removeprefix("/api/v1/").split("/")[0]
        known = {
            "slug": rows["slug"],
            "username": "bob",
            "key": rows["suggestions"],
            "number": rows["delivery"],
            "path": "manifest.json",
            "id": rows.get(ROWS.get(section, "")),
        }
        try:
            attempt(operation, known, keys[OWNERS.get(section, "manager")], examples)
        except (Exception, ExceptionGroup) as problem:
            problems.append(f"{operation.label}: {problem}")
    assert not problems, "\n\n".join(problems)


def attempt(operation: Operation, known: Rows, token: str, examples: int) -> None:
    @hypothesis_settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def once(case: Case[Operation]) -> None:
        for name in case.path_parameters or {}:
            case.path_parameters[name] = str(known[name])
        with transaction.atomic():
            response = case.call(headers={"Authorization": f"Bearer {token}"})
            transaction.set_rollback(True)
        case.validate_response(response, checks=CHECKS)

    once()


@pytest.mark.django_db
def test_a_few_requests_to_every_operation_meet_the_description(
    description: OpenApiSchema, people: People, rows: Rows
) -> None:
    fuzz(description, people, rows, examples=4)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.django_db
def test_many_requests_to_every_operation_meet_the_description(
    description: OpenApiSchema, people: People, rows: Rows
) -> None:
    fuzz(description, people, rows, examples=30)
