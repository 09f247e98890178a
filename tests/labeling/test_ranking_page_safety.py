"""Whose task it is, and that text is only text."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
from django.test import Client

from accounts import tokens
from accounts.models import User
from common.shapes import JsonLike
from labeling import comparisons
from labeling.models import Assignment, Project
from tests import makers
from tests.labeling.asking import places


@pytest.mark.parametrize("path", ["", "draft/", "heartbeat/", "skip/", "undo/", "compare/"])
def test_another_persons_task_is_not_there(client: Client, task: Assignment, bob: User, path: str) -> None:
    client.force_login(bob)
    send = client.get if path in ("", "compare/") else client.post
    assert send(f"/ranking/{task.pk}/{path}").status_code == 404
    assert send(f"/ranking/{uuid4()}/{path}").status_code == 404


def test_a_membership_that_ended_closes_the_task(
    client: Client, task: Assignment, project: Project, alice: User
) -> None:
    project.memberships.filter(user=alice).update(ended_at="2026-01-01T00:00Z")
    assert client.get(f"/ranking/{task.pk}/").status_code == 404


def test_a_guest_is_not_given_rankings(client: Client, project: Project, guest: User) -> None:
    makers.make_comparison(project)
    client.force_login(guest)
    assert client.post(f"/projects/{project.slug}/rank/").status_code == 404


HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>[x](javascript:alert(3))</textarea><style>*{}</style>"


def test_hostile_text_shows_as_text_wherever_a_trainer_reads(client: Client, project: Project, alice: User) -> None:
    client.force_login(alice)
    comparison, _ = comparisons.bring(
        project=project,
        prompt=[{"role": "user", "content": HOSTILE}],
        completions=[{"text": HOSTILE + letter} for letter in "ab"],
    )
    project.title = project.description = HOSTILE
    project.flags = [HOSTILE]
    project.save()
    task = makers.make_lease(comparison, alice)
    client.post(f"/ranking/{task.pk}/draft/", {"note": HOSTILE, "not_rankable_other": HOSTILE, "draft_version": 0})
    pages = [f"/ranking/{task.pk}/", f"/ranking/{task.pk}/compare/?a=A&b=B", "/"]
    shown = [client.get(url).content.decode() for url in pages]
    client.post(f"/ranking/{task.pk}/", places(task, 1, 2) | {"note": HOSTILE})
    shown += [client.get(url).content.decode() for url in (f"/ranking/{task.pk}/", "/history/")]
    for html in shown:
        for live in ("<script>alert", "<img src=x", "<style>*", 'href="javascript', "</textarea><style"):
            assert live not in html


def test_no_page_has_an_inline_script_style_or_handler(client: Client, task: Assignment) -> None:
    for url in (f"/ranking/{task.pk}/", "/", "/history/", "/projects/demo/guidelines/"):
        html = client.get(url).content.decode()
        assert " style=" not in html
        assert "<style" not in html
        assert "<script>" not in html
        assert " onclick" not in html
        assert "unsafe-" not in client.get(url)["Content-Security-Policy"]


ODD: tuple[dict[str, JsonLike], ...] = (
    {"groups": [["x", "y"], 3]},
    {"groups": {"x": 1}},
    {"groups": [[["x"]], [None, 2.5, {}]]},
    {"places": {"x": 10**30, "y": -1, "z": True}, "ratings": {"x": "7", "y": 1e300}},
    {"places": [1, 2], "ratings": 4, "flags": ["a"], "strengths": "bold"},
    {"flags": {"x": "abc", "y": [1, None, ["deep"]]}, "strengths": [9, -3, None, "2"]},
    {"note": {"a": 1}, "not_rankable": 7, "not_rankable_other": [], "ideal_answer": None},
)


@pytest.mark.parametrize("draft", ODD)
def test_whatever_a_program_keeps_as_a_draft_the_trainers_page_opens(
    client: Client, task: Assignment, draft: dict[str, JsonLike]
) -> None:
    token = tokens.create(user=task.trainer)
    kept = client.patch(
        f"/api/v1/assignments/{task.pk}/draft/", {"draft": draft}, content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )  # fmt: skip
    assert kept.status_code == 200, kept.content
    for order in (task.order_shown, ["x", "y", "z"]):
        named = json.loads(json.dumps(draft).replace('"x"', f'"{order[0]}"').replace('"y"', f'"{order[1]}"'))
        Assignment.objects.filter(pk=task.pk).update(draft=named)
        for path in ("", "compare/?a=A&b=B"):
            assert client.get(f"/ranking/{task.pk}/{path}").status_code == 200
        sent = client.post(f"/ranking/{task.pk}/", {"place-nothing": "1"})
        assert sent.status_code == 422
