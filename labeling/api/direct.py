"""How the API answers what trainers' programs ask all day: without the framework's serializers, renderer and lookups.

Only the ordinary request is answered here: a good token with the scope, JSON of exactly the right types, no
Idempotency-Key, within the rate. Every other one goes through the framework whole, which knows all the ways in which a
request can be wrong; so there is one wording of each error, and the answers are the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import orjson
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.utils import json

from accounts import tokens
from common.api import WRITING, ApiView
from labeling.api import problems
from labeling.errors import LabelingError

if TYPE_CHECKING:
    from accounts.models import ApiToken, User

LARGEST = 1 << 18  # bytes of a body that is ordinary
_allow: dict[str, str] = {}  # the header of that name, by view
REFUSALS = (LabelingError, Http404, PermissionDenied)


@dataclass(frozen=True)
class Ordinary:
    """What is known of a request that may be answered directly."""

    user: User
    body: Mapping[str, object]


class NotOrdinary(Exception):
    """The framework answers instead. Raised before anything is written."""


class Answer(HttpResponse):
    """JSON; `data` is what the framework's responses have of that name."""

    @property
    def data(self) -> object:
        return orjson.loads(self.content) if self.content else None


class DirectView(ApiView):
    """A view with methods `direct_post` and the like, which are tried first."""

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        direct = getattr(self, f"direct_{str(request.method).lower()}", None)
        if direct is not None:
            try:
                return cast(Answer, direct(self._ordinary(request), **kwargs))
            except NotOrdinary:
                pass
            except REFUSALS as refusal:
                return self._refused(refusal)
        return super().dispatch(cast(Request, request), *args, **kwargs)

    def _ordinary(self, request: HttpRequest) -> Ordinary:
        token = tokens.held(request.META.get("HTTP_AUTHORIZATION", ""))
        if token is None or not self._may(token, request) or "HTTP_IDEMPOTENCY_KEY" in request.META:
            raise NotOrdinary
        body = body_of(request)
        request.user = token.user
        # One that is over the rate is asked again by the framework, and refused; no request is counted twice.
        if not all(throttle.allow_request(cast(Request, request), self) for throttle in self.get_throttles()):
            raise NotOrdinary
        return Ordinary(token.user, body)

    def _may(self, token: ApiToken, request: HttpRequest) -> bool:
        return not token.scopes or (self.write_scope if request.method in WRITING else self.read_scope) in token.scopes

    def answer(self, body: object, status: int = 200) -> Answer:
        return Answer(
            _as_json(body) if status != 204 else b"",
            status=status, content_type="application/json", headers={"Allow": self._allowed()},
        )  # fmt: skip

    def _allowed(self) -> str:
        """Worked out for the first request that each view gets."""
        view = type(self).__qualname__
        if view not in _allow:
            _allow[view] = ", ".join(self.allowed_methods)
        return _allow[view]

    def _refused(self, refusal: Exception) -> Answer:
        found = problems.handle(refusal, {})
        assert found is not None  # every refusal has its answer
        answer = self.answer(found.data, found.status_code)
        answer.headers["Content-Type"] = "application/problem+json"
        return answer


def _as_json(body: object) -> bytes:
    """By orjson, but for what only the framework's renderer writes: a number of more than 64 bits in a draft."""
    try:
        return orjson.dumps(body, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)
    except TypeError:
        return bytes(JSONRenderer().render(body))


def body_of(request: HttpRequest) -> Mapping[str, object]:
    """The JSON object that was sent; an empty one where nothing was.

    Raises:
        NotOrdinary: it is something else.
    """
    announced = request.META.get("CONTENT_LENGTH") or "0"
    media_type = request.META.get("CONTENT_TYPE", "").lower()
    if not announced.isdigit() or int(announced) > LARGEST or media_type not in ("", "application/json"):
        raise NotOrdinary
    if not (sent := request.body):
        return {}
    try:
        body = json.loads(sent.decode(), parse_constant=json.strict_constant)
    except (ValueError, RecursionError):
        raise NotOrdinary from None
    if not isinstance(body, dict):
        raise NotOrdinary
    return body
