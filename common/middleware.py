"""Middleware that belongs to no app."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import resolve_url
from django.utils import timezone
from django.utils.decorators import sync_and_async_middleware

IN_UTC = ("/admin/", "/api/")


@sync_and_async_middleware
def SignInInPlace(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """To a script, a redirect to the sign-in page is of no use: it is told 401, and asks the person to
    sign in again on the page where their work is."""
    if iscoroutinefunction(get_response):

        async def asynchronous(request: HttpRequest) -> HttpResponse:
            return _answer(request, await get_response(request))

        return asynchronous

    def synchronous(request: HttpRequest) -> HttpResponse:
        return _answer(request, get_response(request))

    return synchronous


@sync_and_async_middleware
def TimeZoneOfTheReader(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """A person's pages tell the time, and count "today", where that person is: the cookie `zone` (js/early.js) names
    it. The admin site and the API speak of UTC to everybody."""
    if iscoroutinefunction(get_response):

        async def asynchronous(request: HttpRequest) -> HttpResponse:
            with timezone.override(_zone(request)):
                return await get_response(request)

        return asynchronous

    def synchronous(request: HttpRequest) -> HttpResponse:
        with timezone.override(_zone(request)):
            return get_response(request)

    return synchronous


def _zone(request: HttpRequest) -> ZoneInfo | None:
    if request.path.startswith(IN_UTC):
        return None
    try:
        return ZoneInfo(request.COOKIES.get("zone", "UTC")[:64])
    except (KeyError, ValueError, OSError):  # no such zone, no name at all, the name of a folder
        return None


def _answer(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    by_script = request.headers.get("hx-request") == "true" or request.headers.get("x-requested-with") == "fetch"
    if not by_script or response.status_code != 302:
        return response
    if urlsplit(response.headers.get("Location", "")).path != resolve_url(settings.LOGIN_URL):
        return response
    return JsonResponse({"detail": "Your session has ended. Sign in again."}, status=401)
