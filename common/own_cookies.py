"""Cookies of a site that stands under a path of its host (`DUOLOGUE_URL=https://host/label/`): what else stands there
neither gets them nor gives its own for them. Of the session and of CSRF, Django knows the path; not of the others."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from django.conf import settings
from django.http import HttpRequest, parse_cookie
from django.http.response import HttpResponseBase

from common.middleware import middleware


def _first_of_each_name(request: HttpRequest) -> AbstractContextManager[object]:
    """A browser sends the cookie of the longer path first (RFC 6265, 5.4), which is ours; Django takes the last."""
    sent = request.headers.get("cookie", "").split(";")
    request.COOKIES = parse_cookie(";".join(reversed(sent)))
    return nullcontext()


def _under_our_path(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    for cookie in response.cookies.values():
        if cookie["path"] == "/":
            cookie["path"] = settings.SESSION_COOKIE_PATH
    return response


OwnCookies = middleware(around=_first_of_each_name, answer=_under_our_path)
