"""The API's way past the middleware that only pages need: sessions, forms, messages, sign-in, static files."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest
from django.http.response import HttpResponse, HttpResponseBase

PREFIX = "/api/v1/"
PAGE = "/api/v1/docs/"  # for people, with the site's frame around it
Handler = Callable[[HttpRequest], HttpResponseBase]


class Views(BaseHandler):
    """What finds a request's view and calls it, without middleware of its own."""

    _view_middleware: list[object] = []
    _template_response_middleware: list[object] = []
    _exception_middleware: list[object] = []

    def answer(self, request: HttpRequest) -> HttpResponseBase:
        found: HttpResponseBase = self._get_response(request)  # type: ignore[attr-defined]
        return found


class ApiPath:
    """Middleware: requests to the API meet their view here; what stands above this in the settings holds for both."""

    def __init__(self, get_response: Handler) -> None:
        self._pages = get_response
        self._api = cast(Handler, convert_exception_to_response(Views().answer))

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(PREFIX) or request.path_info.startswith(PAGE):
            return self._pages(request)
        answer = self._api(request)
        answer.headers.setdefault("X-Frame-Options", settings.X_FRAME_OPTIONS)
        if isinstance(answer, HttpResponse) and "Content-Length" not in answer.headers:
            answer.headers["Content-Length"] = str(len(answer.content))
        return answer
