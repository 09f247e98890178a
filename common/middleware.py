"""Middleware that belongs to no app."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from typing import cast
from urllib.parse import parse_qs, urlencode, urlsplit
from zoneinfo import ZoneInfo

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render, resolve_url
from django.utils import timezone, translation
from django.utils.decorators import sync_and_async_middleware

from common.page_before import page_before
from common.serving import access

VISITS = ("GET", "HEAD")
NO_PLACE = ("/admin/", "/api/")  # the same for everybody, wherever they are
FIGURES = "/admin/insights/"  # but these, which are pages of the manager's site
Synchronous = Callable[[HttpRequest], HttpResponseBase]
Asynchronous = Callable[[HttpRequest], Awaitable[HttpResponseBase]]
Handler = Synchronous | Asynchronous


def middleware(
    answer: Callable[[HttpRequest, HttpResponseBase], HttpResponseBase] = lambda _, response: response,
    around: Callable[[HttpRequest], AbstractContextManager[object]] = lambda _: nullcontext(),
) -> Callable[[Handler], Handler]:
    """Middleware for both kinds of handler: `answer` changes a response, `around` is entered while it is made."""

    @sync_and_async_middleware
    def build(get_response: Handler) -> Handler:
        if iscoroutinefunction(get_response):

            async def asynchronous(request: HttpRequest) -> HttpResponseBase:
                with around(request):
                    return answer(request, await cast(Asynchronous, get_response)(request))

            return asynchronous

        def synchronous(request: HttpRequest) -> HttpResponseBase:
            with around(request):
                return answer(request, cast(Synchronous, get_response)(request))

        return synchronous

    return build


def _sign_in_in_place(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """To a script, a redirect to the sign-in page is of no use: it is told 401, and asks the person to sign in again
    on the page where their work is. Whoever pressed a button would come back to its own address, which takes no visit:
    they are led to the page with the button."""
    if response.status_code != 302:
        return response
    sign_in, to = resolve_url(settings.LOGIN_URL), urlsplit(response.headers.get("Location", ""))
    if to.path != sign_in:
        return response
    if _by_script(request):
        return JsonResponse({"detail": "Your session has ended. Sign in again."}, status=401)
    if request.method not in VISITS and REDIRECT_FIELD_NAME in parse_qs(to.query):
        back = urlencode({REDIRECT_FIELD_NAME: page_before(request)}, safe="/")
        response["Location"] = f"{sign_in}?{back}"
    return response


def _by_script(request: HttpRequest) -> bool:
    return request.headers.get("hx-request") == "true" or request.headers.get("x-requested-with") == "fetch"


def _say_that_it_takes_no_visit(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Whoever opens an address that only buttons send to (by a reload, a bookmark, the way back) gets a page, and not
    the browser's own."""
    visited = request.method == "GET" and not _by_script(request) and not request.path_info.startswith(NO_PLACE)
    if response.status_code != 405 or not visited:
        return response
    told = render(request, "405.html", status=405)
    told["Allow"] = response.headers["Allow"]
    return told


def _in_zone_of_the_reader(request: HttpRequest) -> AbstractContextManager[object]:
    """A person's pages tell the time, and count "today", where that person is: the cookie `zone` (js/early.js) names
    it. The admin site but for its figures, and the API, speak of UTC to everybody."""
    return timezone.override(_zone(request))


def _for_everybody(request: HttpRequest) -> bool:
    path = request.path_info
    return path.startswith(NO_PLACE) and not path.startswith(FIGURES)


def _zone(request: HttpRequest) -> ZoneInfo | None:
    if _for_everybody(request):
        return None
    try:
        return ZoneInfo(request.COOKIES.get("zone", "UTC")[:64])
    except (KeyError, ValueError, OSError):  # no such zone, no name at all, the name of a folder
        return None


def _in_language_of_the_reader(request: HttpRequest) -> AbstractContextManager[object]:
    """A person's pages are in the language chosen in the menu (a cookie), else in one that the browser asks for. The
    admin site but for its figures, and the API, speak English to everybody."""
    return translation.override(_language(request))


def _language(request: HttpRequest) -> str:
    if _for_everybody(request):
        return settings.LANGUAGE_CODE
    chosen = request.COOKIES.get("language", "")
    return chosen if chosen in dict(settings.LANGUAGES) else translation.get_language_from_request(request)


def _for_nobody_else(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """What is behind a login is kept by no cache, the browser's included: the next person may sit there."""
    if access.user_of(request) is not None:
        response["Cache-Control"] = "private, no-store"
    return response


NoVisit = middleware(answer=_say_that_it_takes_no_visit)
SignInInPlace = middleware(answer=_sign_in_in_place)
TimeZoneOfTheReader = middleware(around=_in_zone_of_the_reader)
LanguageOfTheReader = middleware(around=_in_language_of_the_reader)
KeptFromCaches = middleware(answer=_for_nobody_else)
RequestNoted = middleware(answer=access.note, around=access.known)
