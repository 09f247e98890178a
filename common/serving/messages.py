"""Small answers that the wrappers give by themselves, and what they read from a request's head."""

from __future__ import annotations

import hashlib
import json
from http.cookies import CookieError, SimpleCookie

from asgiref.typing import ASGISendCallable, HTTPResponseBodyEvent, HTTPResponseStartEvent, HTTPScope

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"></head>
<body><h1>{title}</h1><p>{detail}</p><p>Number of this request: {number}</p></body></html>"""


def header(scope: HTTPScope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def person(scope: HTTPScope) -> str:
    """Who asks, as far as the head tells: a digest of the token or the session, empty for strangers."""
    shown = header(scope, b"authorization")
    if not shown:
        try:
            cookie = SimpleCookie(header(scope, b"cookie")).get("sessionid")
        except CookieError:
            cookie = None
        shown = cookie.value if cookie is not None else ""
    return hashlib.sha256(shown.encode()).hexdigest() if shown else ""


async def refuse(
    scope: HTTPScope, send: ASGISendCallable, *, status: int, title: str, detail: str, number: str = "", after: int = 0
) -> None:
    """A page for people, problem details for programs."""
    if "text/html" in header(scope, b"accept"):
        kind, body = b"text/html; charset=utf-8", PAGE.format(title=title, detail=detail, number=number).encode()
    else:
        problem = {"type": "about:blank", "title": title, "status": status, "detail": detail}
        kind, body = b"application/problem+json", json.dumps(problem).encode()
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), (b"cache-control", b"no-store")]
    if after:
        headers.append((b"retry-after", str(after).encode()))
    start: HTTPResponseStartEvent = {
        "type": "http.response.start", "status": status, "headers": headers, "trailers": False,
    }  # fmt: skip
    end: HTTPResponseBodyEvent = {"type": "http.response.body", "body": body, "more_body": False}
    await send(start)
    await send(end)
