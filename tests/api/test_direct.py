"""Requests that are answered directly are answered as the framework answers them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import User
from common.shapes import JsonObject
from common.throttling import Count, Rate
from labeling.api import direct, plain
from labeling.api.shapes import ranking as shapes
from labeling.models import Project
from tests import makers

IDS = ["a1", "b2"]
ORDINARY: list[JsonObject] = [
    {},
    {"groups": [["a1"], ["b2"]], "seconds": 3},
    {"groups": [["a1", "b2"]], "ratings": {"a1": 7, "b2": 1}, "flags": {"a1": ["too verbose"]}, "note": " kept \n"},
    {"groups": [], "not_rankable": "All of them", "confirmed": False, "ideal_answer": "", "strengths": [1, 4]},
    {"not_rankable": None, "seconds": None, "note": "ünïcode \U0001f600"},
]
OTHERS: list[JsonObject] = [
    {"group": []}, {"groups": [[" a1"]]}, {"groups": [[7]]}, {"groups": "a"}, {"groups": [["a"] * 10]},
    {"groups": [["x" * 65]]}, {"groups": [[""]]}, {"ratings": {"a": "7"}}, {"ratings": {"a": 8}},
    {"ratings": {"a": True}}, {"ratings": {"a": 1.0}}, {"flags": {"a": "b"}}, {"flags": ["a"]}, {"strengths": [5]},
    {"strengths": [1] * 9}, {"note": None}, {"note": "\x00"}, {"note": "\ud800"}, {"seconds": -1}, {"seconds": "3"},
    {"seconds": 2**31}, {"confirmed": "true"}, {"confirmed": None}, {"not_rankable": " "}, {"ideal_answer": 5},
]  # fmt: skip


@pytest.mark.parametrize("body", ORDINARY)
def test_an_ordinary_body_is_read_as_its_shape_reads_it(body: JsonObject) -> None:
    shape = shapes.RankingIn(data=body)
    assert shape.is_valid()
    expected = shape.validated_data
    expected["not_rankable"] = expected["not_rankable"] or ""
    assert plain.ranking(body) == expected


@pytest.mark.parametrize("body", OTHERS)
def test_whatever_is_out_of_the_ordinary_is_left_to_the_shape(body: JsonObject) -> None:
    with pytest.raises(direct.NotOrdinary):
        plain.ranking(body)


@pytest.mark.parametrize("body", [{"draft": 1}, {"draft": {}, "more": 1}, {"draft": {}, "version": "1"}, {}])
def test_so_is_a_draft(body: JsonObject) -> None:
    with pytest.raises(direct.NotOrdinary):
        plain.draft(body)


@pytest.mark.django_db
def test_both_ways_give_the_same_answers_and_headers(
    project: Project, alice: User, api: Callable[..., APIClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = api(alice)
    makers.make_comparison(project)
    lease = makers.make_lease(makers.make_comparison(project), alice)
    base, groups = f"/api/v1/assignments/{lease.pk}", [[cid] for cid in lease.order_shown]

    def steps() -> list[tuple[int, object, dict[str, str]]]:
        answers = [
            client.post(f"/api/v1/projects/{project.slug}/assignments/", {}, format="json"),
            client.patch(f"{base}/draft/", {"draft": {"a": [1.5]}}, format="json"),
            client.patch(f"{base}/draft/", {"draft": {}, "version": 99}, format="json"),
            client.put(f"{base}/ranking/", {"groups": groups[1:]}, format="json"),
            client.put(f"{base}/ranking/", {"groups": groups, "ratings": {groups[0][0]: 9}}, format="json"),
            client.put(f"/api/v1/assignments/{project.pk}/ranking/", {"groups": groups}, format="json"),
            client.post("/api/v1/projects/none/assignments/", {}, format="json"),
        ]
        return [
            (a.status_code, _still(a.json()), {k: v for k, v in a.headers.items() if k != "Content-Length"})
            for a in answers
        ]

    def _still(body: object) -> object:
        """Without what moves on with every call."""
        return {k: v for k, v in body.items() if k not in ("expires_at", "version")} if isinstance(body, dict) else body

    short = steps()
    monkeypatch.setattr(direct.DirectView, "_ordinary", _never)
    assert steps() == short
    assert [status for status, _, _ in short] == [200, 200, 409, 400, 400, 404, 404]


def _never(view: object, request: object) -> None:
    raise direct.NotOrdinary


@pytest.mark.django_db
def test_a_task_takes_two_statements_and_its_submission_two(
    project: Project, alice: User, api: Callable[..., APIClient]
) -> None:
    client = api(alice)

    def task() -> list[int]:
        makers.make_comparison(project)
        with CaptureQueriesContext(connection) as taken:
            lease = client.post(f"/api/v1/projects/{project.slug}/assignments/", {}, format="json").json()
        groups = [[completion["id"]] for completion in lease["comparison"]["completions"]]
        with CaptureQueriesContext(connection) as submitted:
            answer = client.put(
                f"/api/v1/assignments/{lease['id']}/ranking/", {"groups": groups, "seconds": 60}, format="json"
            )
        assert answer.status_code == 201
        control = ("BEGIN", "SAVEPOINT", "RELEASE", "COMMIT")
        sent = [[q["sql"] for q in queries if not q["sql"].startswith(control)] for queries in (taken, submitted)]
        return [sum(text.count(";\n") + 1 for text in texts) for texts in sent]  # several go in one round trip

    counts = [task() for _ in range(12)]
    assert counts[-1] == [2, 2]  # once the trainer is not new to the project any more
    assert max(taken for taken, _ in counts[1:]) <= 6
    assert max(submitted for _, submitted in counts[1:]) <= 8


@pytest.mark.django_db
def test_a_request_that_is_handed_on_to_the_framework_counts_once(
    project: Project, alice: User, api: Callable[..., APIClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: dict[str, Count] = {}
    monkeypatch.setattr(Rate, "_counts", counts)
    monkeypatch.setattr(Rate, "_share", lambda *_: None)
    makers.make_comparison(project)
    answer = api(alice).post(f"/api/v1/projects/{project.slug}/assignments/", {"task": " ranking"}, format="json")
    assert answer.status_code in (201, 400)
    assert [count.own for count in counts.values()] == [1]
