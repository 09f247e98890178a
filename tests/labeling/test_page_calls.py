"""What a page costs, counted in calls of Python: the same on a busy machine as on a quiet one. Pages of trainers, and
of who reviews and manages.

On a quiet machine of two cores about 3,200 calls took a millisecond (docs/performance.md).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from types import FrameType

import pytest
from django.test import Client

from accounts.models import User
from benchmarks import filling
from labeling.models import Project
from tests.red_team import begin, make_rule, reply

pytestmark = pytest.mark.django_db(transaction=True)  # the tables are vacuumed
MOST = {"ranking": 22_000, "home": 15_000, "history": 29_000, "chat": 25_000, "demonstration": 26_000,
        "guidelines": 21_000, "red team": 34_000}  # fmt: skip
MOST_MANAGED = {"review queue": 58_000, "review": 23_000, "review, order shown": 42_000, "review of a dialogue": 27_000,
                "all orders": 40_000, "projects": 33_000, "project": 20_000, "rounds": 20_000, "people": 22_000,
                "settings": 53_000, "exports": 29_000, "insights": 27_000}  # fmt: skip


def calls_of(ask: Callable[[], object]) -> int:
    count = 0

    def note(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        ask()
    finally:
        sys.setprofile(None)
    return count


def test_pages_of_a_trainer_with_work_behind_them_take_few_calls() -> None:
    made = filling.prepare(2_000)
    project = Project.objects.get(slug=made["slug"])
    make_rule(project)
    tried = begin(project, User.objects.get(username="alice"))
    for _ in range(5):
        reply(tried)
    client = Client()
    client.cookies["sessionid"] = made["session"]
    begun = client.post(f"/projects/{made['slug']}/rank/")
    paths = {
        "ranking": begun["Location"],
        "home": "/",
        "history": "/history/",
        "chat": made["chat"],
        "demonstration": made["demonstration"],
        "red team": f"/dialogues/{tried.pk}/",
        "guidelines": f"/projects/{made['slug']}/guidelines/",
    }
    over = _over(client, paths, MOST)
    assert not over, over


def test_pages_of_a_manager_who_reviews_take_few_calls() -> None:
    made = filling.prepare(2_000)
    client = Client()
    client.cookies["sessionid"] = made["manager"]
    over = _over(client, made["managed"], MOST_MANAGED)
    assert not over, over


def _over(client: Client, paths: Mapping[str, str], most: Mapping[str, int]) -> dict[str, int]:
    """Pages that take more calls, and how many."""
    taken = {}
    for name, path in paths.items():
        for _ in range(2):  # templates and queries are compiled
            assert client.get(path).status_code == 200
        taken[name] = calls_of(lambda path=path: client.get(path))  # type: ignore[misc]
    return {name: taken[name] for name in most if taken[name] >= most[name]}
