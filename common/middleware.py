"""Middleware that belongs to no app."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import resolve_url


class SignInInPlace:
    """To a script, a redirect to the sign-in page is of no use: it is told 401, and asks the person to
    sign in again on the page where their work is."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if iscoroutinefunction(self):
            return self._later(request)  # type: ignore[return-value]
        return self._answer(request, self.get_response(request))

    async def _later(self, request: HttpRequest) -> HttpResponse:
        return self._answer(request, await self.get_response(request))  # type: ignore[misc]

    @staticmethod
    def _answer(request: HttpRequest, response: HttpResponse) -> HttpResponse:
        by_script = request.headers.get("hx-request") == "true" or request.headers.get("x-requested-with") == "fetch"
        if not by_script or response.status_code != 302:
            return response
        if urlsplit(response.headers.get("Location", "")).path != resolve_url(settings.LOGIN_URL):
            return response
        return JsonResponse({"detail": "Your session has ended. Sign in again."}, status=401)
