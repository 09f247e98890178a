"""The routes of the URLconf, an address for each, and one request by one person that leaves nothing behind."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from http.cookies import SimpleCookie

from django.db import transaction
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def walk(patterns: Sequence[URLPattern | URLResolver], prefix: str = "") -> Iterator[str]:
    for pattern in patterns:
        address = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from walk(pattern.url_patterns, address)
        else:
            yield address


def all_routes() -> list[str]:
    return list(walk(get_resolver().url_patterns))


def fill(address: str, rows: Mapping[str, str]) -> str:
    """The route with its parameters put in."""
    for name, value in rows.items():
        address = re.sub(rf"<\w+:{name}>|\(\?P<{name}>[^()]*(\[[^\]]*\][^()]*)*\)", value.replace("\\", ""), address)
    return "/" + address.replace("^", "").replace("$", "")


def ask(client: Client, method: str, address: str) -> HttpResponseBase:
    """One request whose effects are taken back, those on the client's cookies too (signing out is one)."""
    cookies: SimpleCookie = SimpleCookie({name: morsel.value for name, morsel in client.cookies.items()})
    response: HttpResponseBase
    with transaction.atomic():
        if method == "GET":
            response = client.generic(method, address)
        elif address.startswith("/api/") or method != "POST":
            response = client.generic(method, address, data="{}", content_type="application/json")
        else:
            response = client.generic(method, address, content_type="application/x-www-form-urlencoded")
        transaction.set_rollback(True)
    client.cookies = cookies
    return response


def refused(response: HttpResponseBase) -> str:
    """How the person was kept out, or nothing."""
    if response.status_code in {401, 403, 404, 405}:
        return str(response.status_code)
    target = response.headers.get("Location", "") if response.status_code == 302 else ""
    if target.startswith(("/accounts/login/?", "/admin/login/")):
        return "sign in"
    return "sent to the front of the admin site" if target == "/admin/" else ""
