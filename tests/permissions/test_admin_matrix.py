"""Every page and button of the admin site, by every kind of person: who gets in is what the table says."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from django.contrib import admin
from django.db import models

from labeling.admin.base import Button
from tests.permissions.admin_routes import ADMIN_MODELS, ADMIN_SITE, ADMITTED, Model
from tests.permissions.asking import all_routes, ask, fill, refused
from tests.permissions.conftest import Clients, Rows
from tests.permissions.routes import ANONYMOUS, ELSEWHERE, MANAGER

ADMIN_PEOPLE = (ANONYMOUS, "stranger", "owner", "reviewer", "manager", "operator", "elsewhere")
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


def admin_rule(route: str, rows: Rows) -> tuple[str, dict[str, frozenset[str]]] | None:
    """The address of an admin page and who gets in by GET and by POST; None for buttons, which are walked apart."""
    found = PAGE.match(route)
    if not found or found["model"] not in ADMIN_MODELS:
        plain = ADMIN_SITE[route]
        filled = {name: str(rows.get(row, row)) for name, row in plain.rows.items()}
        return fill(route, filled), dict.fromkeys(plain.methods.split(), plain.may)
    address = re.sub(r"<\w+:object_id>", str(rows[found["model"]]), "/" + route)
    address = address.replace("<slug:slug>", str(rows["slug"])).replace("<path:name>", str(rows["file"]))
    allowed = of_a_model(ADMIN_MODELS[found["model"]], found["rest"])
    return None if allowed is None else (address, allowed)


def of_a_model(rule: Model, rest: str) -> dict[str, frozenset[str]] | None:
    """Who gets into a page of a model, by GET and by POST. `rest` is the route after the model's name."""
    adds = with_managers_elsewhere(rule.changes)
    if rest == "":
        return dict.fromkeys(("GET", "POST"), with_managers_elsewhere(rule.sees))
    if rest == "add/":
        return dict.fromkeys(("GET", "POST"), adds) if "add" in rule.can else {}
    if rest.endswith("/change/"):
        return {"GET": rule.sees, "POST": rule.changes if "change" in rule.can else frozenset()}
    if rest.endswith("/history/"):
        return dict.fromkeys(("GET", "POST"), rule.sees)
    if rest.endswith("/delete/"):
        return {}
    if rest.endswith("object_id>/"):
        return dict.fromkeys(("GET", "POST"), frozenset(ADMITTED))  # to the change page, which decides
    name = next(part for part in rest.replace("-", "_").split("/") if part and "<" not in part)
    if name == "do":
        return None
    who = rule.pages[name] if "_id>" in rest or "slug>" in rest else with_managers_elsewhere(rule.pages[name])
    return {"GET": who, "POST": who}


def with_managers_elsewhere(who: frozenset[str]) -> frozenset[str]:
    """A page of no row in particular is open to managers of other projects too."""
    return who | {ELSEWHERE} if MANAGER in who else who


@pytest.fixture
def buttons(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """(model, button) of every button in the admin site, offered whatever the row's state, and doing nothing:
    what they do is tested with their pages, who may press them is tested here."""
    found: list[tuple[str, str]] = []
    for model, model_admin in admin.site._registry.items():
        offered: dict[str, Button[models.Model]] = getattr(model_admin, "buttons", {})
        for name, button in offered.items():
            harmless = replace(button, act=lambda request, obj, text: "Done.", when=lambda obj: True)
            monkeypatch.setitem(offered, name, harmless)
            found.append((f"{model._meta.app_label}/{model._meta.model_name}", name))
    return found


@pytest.mark.django_db
def test_who_may_press_a_button_of_the_admin_site_is_what_the_table_says(
    clients: Clients, admin_rows: Rows, buttons: list[tuple[str, str]]
) -> None:
    with_buttons = {model for model, rule in ADMIN_MODELS.items() if "do" in rule.pages}
    assert {model for model, _ in buttons} <= with_buttons, "decide who may press these and list them in routes.py"
    wrong = []
    for model, button in [*buttons, *((model, "no-such-button") for model in sorted(with_buttons))]:
        address = f"/admin/{model}/{admin_rows[model]}/do/{button}/"
        for name in ADMIN_PEOPLE:
            for method in ("GET", "POST"):
                may = method == "POST" and button != "no-such-button" and name in ADMIN_MODELS[model].pages["do"]
                response = ask(clients.browsers[name], method, address)
                if response.status_code >= 500 or bool(refused(response)) == may:
                    wrong.append(f"{method} {address} as {name}: {response.status_code}, expected {may=}")
    assert not wrong, "\n".join(wrong)


def app_of(route: str) -> str:
    """The app whose rows an admin page shows; "" for pages of the site itself."""
    found = PAGE.match(route)
    return found["model"].split("/")[0] if found and found["model"] in ADMIN_MODELS else ""


APPS = ("", *sorted({model.split("/")[0] for model in ADMIN_MODELS}))


@pytest.mark.django_db
@pytest.mark.parametrize("app", APPS)
def test_who_gets_into_the_admin_site_is_what_the_table_says(app: str, clients: Clients, admin_rows: Rows) -> None:
    wrong = []
    for route in (route for route in admin_routes() if app_of(route) == app):
        address, allowed = admin_rule(route, admin_rows) or ("", {})
        for name in ADMIN_PEOPLE if address else ():
            for method in ("GET", "POST"):
                may = name in allowed.get(method, ())
                response = ask(clients.browsers[name], method, address)
                if response.status_code >= 500 or bool(refused(response)) == may:
                    wrong.append(f"{method} {address} as {name}: {response.status_code}, expected {may=}")
    assert not wrong, "\n".join(wrong)
