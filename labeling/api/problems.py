"""Every error of the API as problem details (RFC 9457): `type`, `title`, `status` and a `detail` sentence.

The domain's errors are mapped here and nowhere else.
"""

from __future__ import annotations

import math
from http import HTTPStatus

from django.core.exceptions import ValidationError as DjangoValidationError
from django.utils import timezone
from rest_framework import status
from rest_framework.exceptions import APIException, ErrorDetail, ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler

from common.shapes import JsonLike
from labeling import errors


class Problem(APIException):
    """An error of the domain on its way out, with members beside `detail`."""

    def __init__(self, status_code: int, detail: str, **members: object) -> None:
        super().__init__(detail)
        self.status_code = status_code
        self.members = {name: value for name, value in members.items() if value is not None}
        self.wait: int | None = None  # seconds, sent as Retry-After


def from_domain(error: Exception) -> Exception:
    """The HTTP form of a domain error; any other error unchanged."""
    if isinstance(error, errors.NeedsConfirmation):
        return Problem(
            status.HTTP_409_CONFLICT,
            str(error),
            type="urn:duologue:needs-confirmation",
            pairs=getattr(error, "pairs", None),
        )
    if isinstance(error, errors.NotAgreed):
        return Problem(
            status.HTTP_409_CONFLICT,
            str(error),
            type=f"urn:duologue:not-agreed:{error.what}",
            version=error.version,
        )
    if isinstance(error, errors.Blocked):
        return Problem(
            status.HTTP_422_UNPROCESSABLE_ENTITY,
            str(error),
            type="urn:duologue:blocked",
            category=error.values.get("category"),
            verdict=str(error.verdict),
        )
    if isinstance(error, errors.OverQuota):
        return _over_quota(error)
    if isinstance(error, errors.Conflict):
        return Problem(status.HTTP_409_CONFLICT, str(error), version=getattr(error, "version", None))
    if isinstance(error, errors.Gone):
        return Problem(status.HTTP_410_GONE, str(error))
    if isinstance(error, errors.Invalid):
        found = nested(error.field, [str(error)]) if error.field else None
        return Problem(status.HTTP_400_BAD_REQUEST, str(error), errors=found)
    if isinstance(error, DjangoValidationError):
        return Problem(status.HTTP_400_BAD_REQUEST, " ".join(error.messages))
    return error


def _over_quota(error: errors.OverQuota) -> Problem:
    problem = Problem(
        status.HTTP_429_TOO_MANY_REQUESTS,
        str(error),
        type="urn:duologue:quota",
        opens_at=error.opens_at.isoformat().replace("+00:00", "Z"),
    )
    problem.wait = math.ceil((error.opens_at - timezone.now()).total_seconds())
    return problem


def nested(field: str, found: JsonLike) -> JsonLike:
    """`prompt.0.content` as the errors of a serializer have it."""
    for name in reversed(field.split(".")):
        found = {name: found}
    return found


def handle(error: Exception, context: dict[str, object]) -> Response | None:
    """DRF's EXCEPTION_HANDLER."""
    error = from_domain(error)
    response = exception_handler(error, context)
    if response is None:
        return None
    body: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(response.status_code).phrase,
        "status": response.status_code,
    }
    if isinstance(error, ValidationError):
        body["detail"] = sentence(response.data)
        body["errors"] = response.data
    else:
        body["detail"] = str(response.data.get("detail", "")) if isinstance(response.data, dict) else ""
        body.update(getattr(error, "members", {}))
    response.data = _printable(body)
    response.content_type = "application/problem+json"
    return response


def _printable(value: object) -> object:
    """Half of a surrogate pair, which an error may repeat from what was sent, cannot be written as UTF-8."""
    if isinstance(value, dict):
        return {_printable(key): _printable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_printable(item) for item in value]
    if isinstance(value, str) and not value.isascii():
        return value.encode("utf-8", "backslashreplace").decode()
    return value


def sentence(errors_by_field: object) -> str:
    """The first of a serializer's errors, with the place where it is, as one sentence."""
    path: list[str] = []
    found: object = errors_by_field
    while not isinstance(found, (str, ErrorDetail)):
        if isinstance(found, dict):
            key, found = next(((k, v) for k, v in found.items() if v), ("", ""))
            if key != "non_field_errors":
                path.append(str(key))
        elif isinstance(found, list):
            index, found = next(((i, v) for i, v in enumerate(found) if v), (0, ""))
            if not isinstance(found, (str, ErrorDetail)):
                path.append(str(index))
        else:
            found = str(found)
    return f"{'.'.join(path)}: {found}" if path else str(found)
