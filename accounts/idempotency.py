"""Idempotency-Key: the same write sent twice is done once, and both get the same reply.

The key's row and the effect commit together, so that a crash leaves either both or neither; a
second request with the key waits for the first by the unique constraint. Only replies to writes
that succeeded are kept: an error may be corrected and sent again under the same key.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from functools import update_wrapper
from typing import Concatenate, ParamSpec, TypeVar, cast

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from accounts.models import IdempotentReply, User

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
KEPT = timedelta(days=1)
HEADER = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "maxLength": 200, "pattern": "^[!-~]*$"},
    OpenApiParameter.HEADER,
    description="The same key and body within a day get the first reply again.",
)


class KeyReused(APIException):
    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_detail = "This Idempotency-Key was used for another request."
    default_code = "idempotency_key_reused"


View = TypeVar("View")
Rest = ParamSpec("Rest")
Method = Callable[Concatenate[View, Request, Rest], Response]


def idempotent(method: Method[View, Rest]) -> Method[View, Rest]:
    """Make a view's method obey the Idempotency-Key header; without the header nothing changes."""

    def wrapper(view: View, request: Request, /, *args: Rest.args, **kwargs: Rest.kwargs) -> Response:
        key = request.headers.get("Idempotency-Key", "")
        if not key:
            return method(view, request, *args, **kwargs)
        if len(key) > 200 or not key.isprintable():
            raise ValidationError({"Idempotency-Key": ["At most 200 printable characters."]})
        refusal: Exception | None = None
        with transaction.atomic():
            row = _claim(request, key)
            if row.status is not None:
                return Response(row.body, status=row.status, headers={"Idempotent-Replayed": "true"})
            try:
                reply = method(view, request, *args, **kwargs)
            except Exception as error:
                if not getattr(error, "keeps_writes", False):
                    raise
                refusal = error  # what it noted stays; the key is free again
                IdempotentReply.objects.filter(pk=row.pk).delete()
            else:
                _keep(row, reply)
        if refusal is not None:
            raise refusal
        return reply

    answer: Method[View, Rest] = extend_schema(parameters=[HEADER])(update_wrapper(wrapper, method))
    return answer


def _keep(row: IdempotentReply, reply: Response) -> None:
    body = json.loads(json.dumps(reply.data, cls=JSONEncoder))
    IdempotentReply.objects.filter(pk=row.pk).update(status=reply.status_code, body=body)


def _claim(request: Request, key: str) -> IdempotentReply:
    """This request's row: a fresh one, or that of the request which came first (locked)."""
    written = json.dumps([request.method, request.get_full_path(), request.data], sort_keys=True, cls=JSONEncoder)
    digest = hashlib.sha256(written.encode("utf-8", "surrogatepass")).hexdigest()
    user = cast(User, request.user)
    mine = IdempotentReply(id=uuid.uuid4(), user=user, key=key, request_hash=digest)
    IdempotentReply.objects.bulk_create([mine], ignore_conflicts=True)  # waits for a transaction that holds the key
    row = IdempotentReply.objects.select_for_update().get(user=user, key=key)
    if row.request_hash != digest:
        raise KeyReused
    return row


def empty(*, user: User | None, naming: set[str]) -> None:
    """Withdrawal: the replies that `user` got, if it is of a whole person, and those that name one of these rows, are
    gone for whoever asks again.
    The key stays, so that nothing is done twice."""
    gone = {"type": "about:blank", "title": "Gone", "status": 410, "detail": "What this reply held was withdrawn."}
    kept = IdempotentReply.objects.exclude(body=None)
    theirs = kept.filter(user=user) if user is not None else kept.none()
    others = kept.exclude(pk__in=theirs.values("pk")).values_list("pk", "body").iterator()
    named = [pk for pk, body in others if not naming.isdisjoint(_ID.findall(json.dumps(body)))]
    kept.filter(Q(pk__in=named) | Q(pk__in=theirs.values("pk"))).update(status=status.HTTP_410_GONE, body=gone)


def forget_old() -> int:
    """Remove replies that nobody will ask for again."""
    return IdempotentReply.objects.filter(created_at__lt=timezone.now() - KEPT).delete()[0]
