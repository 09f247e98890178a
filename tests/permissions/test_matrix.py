"""Every route, by every kind of person, by every method: who gets in is what the table says.

A route that the table does not list fails the test, so that nobody adds a page without deciding who
may see it. Refused means: sent to sign in (anonymous), 401, 403, 404 or 405; everything else,
a complaint about the body included, means that the person got in.
"""

from __future__ import annotations

import pytest
from django.core.cache import cache

from tests.permissions.asking import METHODS, all_routes, ask, fill, refused
from tests.permissions.conftest import Clients, Rows
from tests.permissions.routes import ANONYMOUS, PEOPLE, ROUTES, Route

# Methods that a route does not have are refused before anybody's role is looked at: three people try them.
TRY_EVERYTHING = (ANONYMOUS, "owner", "operator")


def test_every_route_is_in_the_table_and_the_table_names_no_other() -> None:
    routes = {route for route in all_routes() if not route.startswith("admin/")}
    assert routes - set(ROUTES) == set(), "decide who may use these routes and list them in routes.py"
    assert set(ROUTES) - routes == set(), "these routes are gone"


@pytest.mark.django_db
@pytest.mark.parametrize("part", ["accounts/", "api/v1/", ""])
def test_who_gets_in_is_what_the_table_says(part: str, clients: Clients, rows: Rows) -> None:
    wrong: list[str] = []
    for route, rule in ROUTES.items():
        if route.startswith(part) and (part or not route.startswith(("accounts/", "api/v1/"))):
            cache.clear()
            wrong += check(route, rule, clients, rows)
    assert not wrong, "\n".join(wrong)


def check(route: str, rule: Route, clients: Clients, rows: Rows) -> list[str]:
    """What differs from the table, line by line."""
    address = fill(route, {name: str(rows.get(row, row)) for name, row in rule.rows.items()})
    assert "<" not in address, address
    wrong = []
    for name in PEOPLE:
        client = (clients.machines if address.startswith("/api/") else clients.browsers)[name]
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
