"""The contract of the ranking endpoints: statuses, shapes, idempotency."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
from rest_framework.response import Response
from rest_framework.test import APIClient

from accounts.models import User
from labeling import projects
from labeling.models import Assignment, Project, Ranking
from tests import makers

pytestmark = pytest.mark.django_db


Task: TypeAlias = tuple[APIClient, Response]  # a trainer's client, and the answer that leased the task


@pytest.fixture
def task(project: Project, alice: User, api: Callable[..., APIClient]) -> Task:
    makers.make_comparison(project, k=4)
    client = api(alice)
    return client, client.post(f"/api/v1/projects/{project.slug}/assignments/", {"task": "ranking"}, format="json")


def order(task: Response) -> list[list[str]]:
    first, second, third, fourth = (c["id"] for c in task.data["comparison"]["completions"])
    return [[third], [first, second], [fourth]]


def test_a_lease_is_201_then_200_while_open_and_204_when_there_is_nothing(
    task: Task, project: Project, bob: User, api: Callable[..., APIClient]
) -> None:
    client, response = task
    assert response.status_code == 201
    assert set(response.data) == {"id", "state", "expires_at", "guideline_version", "flags", "comparison"}
    assert [set(c) for c in response.data["comparison"]["completions"]] == [{"id", "text"}] * 4
    again = client.post(f"/api/v1/projects/{project.slug}/assignments/", {"task": "ranking"}, format="json")
    assert (again.status_code, again.data["id"]) == (200, response.data["id"])
    nothing = api(bob).post(f"/api/v1/projects/{project.slug}/assignments/", {"task": "ranking"}, format="json")
    assert (nothing.status_code, nothing.data) == (204, None)


def test_a_ranking_is_201_the_same_again_200_and_another_409(task: Task) -> None:
    client, response = task
    address = f"/api/v1/assignments/{response.data['id']}/ranking/"
    groups = order(response)
    body = {
        "groups": groups,
        "ratings": {groups[0][0]: 7, groups[2][0]: 2},
        "flags": {groups[2][0]: ["too verbose"]},
        "note": "",
        "not_rankable": None,
    }
    first, same = client.put(address, body, format="json"), client.put(address, body, format="json")
    assert (first.status_code, same.status_code) == (201, 200)
    assert first.data == same.data
    other = client.put(address, {**body, "groups": groups[::-1], "ratings": {}}, format="json")
    assert other.status_code == 409
    assert other.headers["Content-Type"] == "application/problem+json"
    assert set(other.data) >= {"type", "title", "status", "detail"}
    assert Ranking.objects.count() == 1


def test_a_contradiction_is_asked_about_where_the_client_wants_to_ask(task: Task) -> None:
    client, response = task
    address = f"/api/v1/assignments/{response.data['id']}/ranking/"
    groups = order(response)
    body = {"groups": groups, "ratings": {groups[0][0]: 2, groups[2][0]: 7}}
    asked = client.put(address, {**body, "confirmed": False}, format="json")
    assert (asked.status_code, asked.data["type"]) == (409, "urn:duologue:needs-confirmation")
    assert [list(pair) for pair in asked.data["pairs"]] == [[groups[0][0], groups[2][0]]]
    assert client.put(address, body, format="json").status_code == 201
    assert Ranking.objects.get().contradiction_confirmed


def test_an_undone_ranking_can_be_given_again(task: Task) -> None:
    client, response = task
    base = f"/api/v1/assignments/{response.data['id']}"
    groups = order(response)
    assert client.put(f"{base}/ranking/", {"groups": groups}, format="json").status_code == 201
    assert client.post(f"{base}/undo/").data["state"] == "leased"
    kept = client.get(f"{base}/draft/").data["draft"]["groups"]
    assert [sorted(group) for group in kept] == [sorted(group) for group in groups]
    assert client.put(f"{base}/ranking/", {"groups": groups[::-1]}, format="json").status_code == 201
    assert Ranking.objects.in_force().count() == 1


def test_drafts_carry_a_version_so_that_two_tabs_do_not_overwrite_each_other(task: Task) -> None:
    client, response = task
    address = f"/api/v1/assignments/{response.data['id']}/draft/"
    assert client.get(address).data == {"draft": {}, "version": 0}
    assert client.patch(address, {"draft": {"note": "a"}, "version": 0}, format="json").data["version"] == 1
    late = client.patch(address, {"draft": {"note": "b"}, "version": 0}, format="json")
    assert (late.status_code, late.data["version"]) == (409, 1)
    assert client.patch(address, {"draft": {"note": "\x00"}}, format="json").status_code == 400


def test_skipping_needs_a_reason_and_ends_the_task(task: Task) -> None:
    client, response = task
    base = f"/api/v1/assignments/{response.data['id']}"
    assert client.post(f"{base}/skip/", {}, format="json").data["detail"] == "reason: This field is required."
    assert client.post(f"{base}/skip/", {"reason": "not my language"}, format="json").data["state"] == "skipped"
    assert client.post(f"{base}/heartbeat/").status_code == 410
    assert client.put(f"{base}/ranking/", {"groups": order(response)}, format="json").status_code == 410


def test_none_rankable_takes_a_reason_and_no_order(task: Task) -> None:
    client, response = task
    address = f"/api/v1/assignments/{response.data['id']}/ranking/"
    assert client.put(address, {"groups": []}, format="json").status_code == 400
    assert client.put(address, {"not_rankable": "all empty"}, format="json").status_code == 201


def test_a_repeated_write_with_the_same_key_is_done_once(task: Task) -> None:
    client, response = task
    address = f"/api/v1/assignments/{response.data['id']}/skip/"
    key: dict[str, Any] = {"HTTP_IDEMPOTENCY_KEY": "skip-1"}
    first = client.post(address, {"reason": "hard"}, format="json", **key)
    second = client.post(address, {"reason": "hard"}, format="json", **key)
    assert (first.status_code, second.status_code, first.data) == (200, 200, second.data)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert client.post(address, {"reason": "other"}, format="json", **key).status_code == 422
    assert client.post(address, {"reason": "hard"}, format="json").status_code == 410


def test_a_failed_write_does_not_use_its_key_up(task: Task) -> None:
    client, response = task
    address = f"/api/v1/assignments/{response.data['id']}/skip/"
    key: dict[str, Any] = {"HTTP_IDEMPOTENCY_KEY": "skip-2"}
    assert client.post(address, {"reason": " "}, format="json", **key).status_code == 400
    assert client.post(address, {"reason": "hard"}, format="json", **key).status_code == 200


def test_somebody_elses_assignment_is_not_there(task: Task, bob: User, api: Callable[..., APIClient]) -> None:
    _, response = task
    other = api(bob)
    base = f"/api/v1/assignments/{response.data['id']}"
    assert other.get(f"{base}/").status_code == 404
    assert other.put(f"{base}/ranking/", {"groups": order(response)}, format="json").status_code == 404
    assert Assignment.objects.get().state == "leased"


def test_a_former_member_has_no_tasks_any_more(task: Task, project: Project, alice: User) -> None:
    from labeling import projects

    client, response = task
    projects.end_membership(project=project, user=alice)
    assert client.get(f"/api/v1/assignments/{response.data['id']}/").status_code == 404


def test_model_names_never_reach_a_trainer(task: Task) -> None:
    _, response = task
    assert "fake" not in response.content.decode()


def test_criteria_marks_and_where_an_ideal_answer_was_begun_go_over_the_api(
    project: Project, alice: User, api: Callable[..., APIClient]
) -> None:
    projects.change_settings(
        project=project, criteria=[{"name": "honest", "steps": 3}], span_categories=["rude"], ask_ideal_answer=True
    )
    makers.make_comparison(project, k=2)
    client = api(alice)
    task = client.post(f"/api/v1/projects/{project.slug}/assignments/", {"task": "ranking"}, format="json").data
    assert (task["criteria"], task["span_categories"]) == ([{"name": "honest", "steps": 3}], ["rude"])
    a, b = (str(completion["id"]) for completion in task["comparison"]["completions"])
    said = {
        "groups": [[a], [b]], "criteria": {a: {"honest": 3}}, "ideal_answer": "Better.", "ideal_from": a,
        "spans": {b: [{"start": 0, "end": 3, "category": "rude", "comment": ""}]},
    }  # fmt: skip
    address = f"/api/v1/assignments/{task['id']}/ranking/"
    wrong = said | {"criteria": {a: {"honest": 4}}}
    assert client.put(address, wrong, format="json").status_code == 400
    stored = client.put(address, said, format="json")
    assert stored.status_code == 201
    ranking = Ranking.objects.get()
    assert (ranking.criteria, ranking.spans) == (said["criteria"], said["spans"])
    assert client.put(address, said, format="json").status_code == 200
