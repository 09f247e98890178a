"""An id names one element: on no page does it stand twice, so that a label, a link and a script find what they mean."""

from __future__ import annotations

from collections import Counter
from html.parser import HTMLParser

import pytest
from django.core.cache import cache
from django.test import Client

from accounts.models import User
from tests.permissions.asking import fill
from tests.permissions.conftest import Rows
from tests.permissions.routes import ROUTES
from tests.permissions.test_hostile_text import World, world

__all__ = ["world"]
pytestmark = pytest.mark.django_db


class Ids(HTMLParser):
    """Counts ids, and notes what labels are for."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: Counter[str] = Counter()
        self.meant: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id":
                self.found[value or ""] += 1
            elif tag == "label" and name == "for":
                self.meant.add(value or "")

    @property
    def repeated(self) -> list[str]:
        return [name for name, times in self.found.items() if times > 1]


def addresses(rows: Rows) -> list[str]:
    """Of every page but those of Django's admin, whose templates are not ours."""
    found = [
        fill(route, {name: str(rows.get(row, row)) for name, row in rule.rows.items()})
        for route, rule in ROUTES.items()
        if "GET" in rule.methods and "/stream/" not in route and not route.startswith("accounts/logout")
    ]
    return [*found, f"/review/dialogues/{rows['dialogue']}/", f"/review/rankings/{rows['returned']}/?order=1"]


def test_no_id_stands_twice_on_a_page_and_labels_mean_one_that_is_there(world: World, alice: User, mona: User) -> None:
    rows, _ = world
    wrong, read = [], set()
    for user in (alice, mona, None):
        client = Client()
        if user is not None:
            client.force_login(user)
        for address in addresses(rows):
            cache.clear()
            answer = client.get(address)
            if answer.streaming or answer.status_code != 200 or "html" not in answer["Content-Type"]:
                continue
            ids = Ids(answer.content.decode())
            read.add(address)
            wrong += [f"{address} as {user}: {name!r} stands twice" for name in ids.repeated]
            wrong += [f"{address} as {user}: nothing is {name!r}" for name in sorted(ids.meant - set(ids.found))]
    assert len(read) > 60, sorted(read)
    assert not wrong, "\n".join(wrong)


def test_a_repeated_id_and_a_label_of_nothing_are_noticed() -> None:
    ids = Ids('<p id="a"><b id=a></b><i id="b"></i><label for="c">')
    assert (ids.repeated, ids.meant - set(ids.found)) == (["a"], {"c"})
