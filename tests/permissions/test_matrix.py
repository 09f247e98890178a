"""Every route, by every kind of person, by every method: who gets in is what the table says.

A route that the table does not list fails the test, so that nobody adds a page without deciding who
may see it. Refused means: sent to sign in (anonymous), 401, 403, 404 or 405; everything else,
a complaint about the body included, means that the person got in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from http.cookies import SimpleCookie

import pytest
from django.contrib import admin
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.urls import URLResolver, get_resolver

from tests.permissions.routes import (
    ADMIN_MODELS,
    ADMIN_SITE,
    ADMITTED,
    ANONYMOUS,
    ELSEWHERE,
    MANAGER,
    PEOPLE,
    ROUTES,
    Route,
)

# Methods that a route does not have are refused before anybody's role is looked at: three people try them.
TRY_EVERYTHING = (ANONYMOUS, "owner", "operator")
ADMIN_PEOPLE = (ANONYMOUS, "stranger", "owner", "reviewer", "manager", "operator", "elsewhere")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def walk(patterns, prefix: str = "") -> Iterator[str]:
    for pattern in patterns:
        address = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from walk(pattern.url_patterns, address)
        else:
            yield address


def all_routes() -> list[str]:
    return list(walk(get_resolver().url_patterns))


def fill(address: str, rows: dict[str, str]) -> str:
    """The route with its parameters put in."""
    for name, value in rows.items():
        address = re.sub(rf"<\w+:{name}>|\(\?P<{name}>[^()]*(\[[^\]]*\][^()]*)*\)", value.replace("\\", ""), address)
    return "/" + address.replace("^", "").replace("$", "")


def ask(client: Client, method: str, address: str):
    """One request whose effects are taken back, those on the client's cookies too (signing out is one)."""
    cookies = SimpleCookie({name: morsel.value for name, morsel in client.cookies.items()})
    options = {} if method == "GET" else {"data": "{}", "content_type": "application/json"}
    with transaction.atomic():
        if address.startswith("/api/") or method not in {"GET", "POST"}:
            response = client.generic(method, address, **options)
        else:
            response = client.generic(method, address, content_type="application/x-www-form-urlencoded")
        transaction.set_rollback(True)
    client.cookies = cookies
    return response


def refused(response) -> str:
    """How the person was kept out, or nothing."""
    if response.status_code in {401, 403, 404, 405}:
        return str(response.status_code)
    if response.status_code == 302 and response.url.startswith(("/accounts/login/?", "/admin/login/")):
        return "sign in"
    if response.status_code == 302 and response.url == "/admin/":
        return "sent to the front of the admin site"
    return ""


def test_every_route_is_in_the_table_and_the_table_names_no_other() -> None:
    routes = {route for route in all_routes() if not route.startswith("admin/")}
    assert routes - set(ROUTES) == set(), "decide who may use these routes and list them in routes.py"
    assert set(ROUTES) - routes == set(), "these routes are gone"


@pytest.mark.django_db
@pytest.mark.parametrize("part", ["accounts/", "api/v1/", ""])
def test_who_gets_in_is_what_the_table_says(part: str, clients, rows, people) -> None:
    wrong: list[str] = []
    for route, rule in ROUTES.items():
        if route.startswith(part) and (part or not route.startswith(("accounts/", "api/v1/"))):
            cache.clear()
            wrong += check(route, rule, clients, rows)
    assert not wrong, "\n".join(wrong)


def check(route: str, rule: Route, clients, rows) -> list[str]:
    """What differs from the table, line by line."""
    address = fill(route, {name: str(rows.get(row, row)) for name, row in rule.rows.items()})
    assert "<" not in address, address
    browsers, machines = clients
    wrong = []
    for name in PEOPLE:
        client = (machines if address.startswith("/api/") else browsers)[name]
        for method in METHODS:
            has = method in rule.methods.split()
            if not has and name not in TRY_EVERYTHING:
                continue
            may = has and name in rule.allowed(method)
            response = ask(client, method, address)
            how = refused(response)
            if response.status_code >= 500 and address != "/readyz":  # 503 there is an answer
                wrong.append(f"{method} {address} as {name}: {response.status_code}")
            elif route.startswith("accounts/") and not has and name in rule.may:
                continue  # allauth's views take PUT for POST; who gets in is what counts
            elif bool(how) == may:
                wrong.append(f"{method} {address} as {name}: {how or response.status_code}, expected {may=}")
            elif name == ANONYMOUS and has and rule.may and not may and how not in {"sign in", "401"}:
                wrong.append(f"{method} {address} as {name}: {how}, expected to be asked to sign in")
    return wrong


# -- the admin site ---------------------------------------------------------------------------------

PAGE = re.compile(r"^admin/(?P<model>\w+/\w+)/(?P<rest>.*)$")


def admin_routes() -> list[str]:
    return [route for route in all_routes() if route.startswith("admin/") and "app_label" not in route]


def test_every_admin_page_is_in_the_table() -> None:
    models = {m["model"] for m in map(PAGE.match, admin_routes()) if m and m["model"] != "admin/r"}
    models = {name for name in models if name.split("/")[0] not in {"r", "password_change"}}
    assert models - set(ADMIN_MODELS) == set(), "decide who may see these models and list them in routes.py"
    assert set(ADMIN_MODELS) - models == set(), "these models left the admin site"
    plain = {r for r in admin_routes() if not (m := PAGE.match(r)) or m["model"] not in ADMIN_MODELS}
    assert plain == set(ADMIN_SITE)


def admin_rule(route: str, rows) -> tuple[str, dict[str, frozenset[str]]] | None:
    """The address of an admin page and who gets in by GET and by POST."""
    found = PAGE.match(route)
    if not found or found["model"] not in ADMIN_MODELS:
        rule = ADMIN_SITE[route]
        filled = {name: str(rows.get(row, row)) for name, row in rule.rows.items()}
        return fill(route, filled), dict.fromkeys(rule.methods.split(), rule.may)
    rule, rest = ADMIN_MODELS[found["model"]], found["rest"]
    address = re.sub(r"<\w+:object_id>", str(rows[found["model"]]), "/" + route).replace("<slug:slug>", rows["slug"])
    address = address.replace("<path:name>", rows["file"])
    everywhere = rule.sees | ({ELSEWHERE} if MANAGER in rule.sees else set())
    adds = rule.changes | ({ELSEWHERE} if MANAGER in rule.changes else set())
    if rest == "":
        return address, {"GET": everywhere, "POST": everywhere}
    if rest == "add/":
        return address, {"GET": adds, "POST": adds} if "add" in rule.can else {}
    if rest.endswith("/change/"):
        return address, {"GET": rule.sees, "POST": rule.changes if "change" in rule.can else frozenset()}
    if rest.endswith("/history/"):
        return address, {"GET": rule.sees, "POST": rule.sees}
    if rest.endswith("/delete/"):
        return address, {}
    if rest.endswith("object_id>/"):
        return address, {"GET": ADMITTED, "POST": ADMITTED}  # to the change page, which decides
    name = next(part for part in rest.replace("-", "_").split("/") if part and "<" not in part)
    if name == "do":
        return None  # walked below, button by button
    who = rule.pages[name] | (
        {ELSEWHERE} if "_id>" not in rest and "slug>" not in rest and MANAGER in rule.pages[name] else set()
    )
    return address, {"POST": who} if name == "blind_vote" else {"GET": who, "POST": who}


@pytest.fixture
def buttons(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """(model, button) of every button in the admin site, offered whatever the row's state, and doing nothing:
    what they do is tested with their pages, who may press them is tested here."""
    found = []
    for model, model_admin in admin.site._registry.items():
        for name, button in getattr(model_admin, "buttons", {}).items():
            harmless = replace(button, act=lambda request, obj, text: "Done.", when=lambda obj: True)
            monkeypatch.setitem(model_admin.buttons, name, harmless)
            found.append((f"{model._meta.app_label}/{model._meta.model_name}", name))
    return found


@pytest.mark.django_db
def test_who_may_press_a_button_of_the_admin_site_is_what_the_table_says(
    clients, admin_rows, buttons: list[tuple[str, str]]
) -> None:
    browsers, _ = clients
    with_buttons = {model for model, rule in ADMIN_MODELS.items() if "do" in rule.pages}
    assert {model for model, _ in buttons} <= with_buttons, "decide who may press these and list them in routes.py"
    wrong = []
    for model, button in [*buttons, *((model, "no-such-button") for model in sorted(with_buttons))]:
        address = f"/admin/{model}/{admin_rows[model]}/do/{button}/"
        for name in ADMIN_PEOPLE:
            for method in ("GET", "POST"):
                may = method == "POST" and button != "no-such-button" and name in ADMIN_MODELS[model].pages["do"]
                response = ask(browsers[name], method, address)
                if response.status_code >= 500 or bool(refused(response)) == may:
                    wrong.append(f"{method} {address} as {name}: {response.status_code}, expected {may=}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.django_db
def test_who_gets_into_the_admin_site_is_what_the_table_says(clients, admin_rows) -> None:
    browsers, _ = clients
    wrong = []
    for route in admin_routes():
        rule = admin_rule(route, admin_rows)
        for name in ADMIN_PEOPLE if rule else ():
            for method in ("GET", "POST"):
                address, allowed = rule
                may = name in allowed.get(method, ())
                response = ask(browsers[name], method, address)
                if response.status_code >= 500 or bool(refused(response)) == may:
                    wrong.append(f"{method} {address} as {name}: {response.status_code}, expected {may=}")
    assert not wrong, "\n".join(wrong)
