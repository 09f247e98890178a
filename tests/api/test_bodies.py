"""Bodies that the API refuses: keys that it does not know, and what no form of it can hold."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from labeling.models import Comparison, Project

pytestmark = pytest.mark.django_db
PROMPT = [{"role": "user", "content": "?"}]
TWO = [{"text": "a", "model_version": "m1"}, {"text": "b", "model_version": "m2"}]


def test_unknown_keys_are_each_named(project: Project, mona: User, api: Callable[..., APIClient]) -> None:
    address = f"/api/v1/projects/{project.slug}/comparisons/"
    body = {"prompt": PROMPT, "completions": [{"text": "a", "model": "m1"}, {"text": "b", "model": "m2"}], "vote": 3}
    answer = api(mona).post(address, body, format="json")
    assert (answer.status_code, answer["content-type"]) == (400, "application/problem+json")
    assert set(answer.json()["errors"]) == {"vote", "completions"}
    assert [set(errors) for errors in answer.json()["errors"]["completions"].values()] == [{"model"}, {"model"}]
    assert "votes" in answer.json()["errors"]["vote"][0]
    assert not Comparison.objects.exists()


@pytest.mark.parametrize(
    ("path", "body", "key"),
    [
        ("projects/{}/comparisons/", {"prompt": [{**PROMPT[0], "weight": 0}], "completions": TWO}, "weight"),
        ("projects/{}/comparisons/", [{"prompt": PROMPT, "completions": TWO, "ranking": [1, 2]}], "ranking"),
        ("projects/{}/prompts/", {"prompts": ["Why?"], "system": "Be brief."}, "system"),
        ("projects/{}/rounds/", {"policies": [{"model_version": "fake", "wheight": 2}]}, "wheight"),
        ("projects/{}/invitations/", {"role": "trainer", "mails": ["a@example.org"]}, "mails"),
        ("projects/{}/comparisons/", {"prompt": PROMPT, "completions": TWO, "\ud800": 1}, "\\\\ud800"),
    ],
)
def test_no_write_takes_a_key_that_it_does_not_know(
    project: Project, mona: User, api: Callable[..., APIClient], path: str, body: object, key: str
) -> None:
    answer = api(mona).post("/api/v1/" + path.format(project.slug), json.dumps(body), content_type="application/json")
    assert answer.status_code == 400
    assert f'"{key}":' in answer.content.decode()


DEEP = "[" * 5000 + "]" * 5000
OBJECTS = '{"a":' * 5000 + "1" + "}" * 5000
HUNDRED = '{"a":' * 100 + "1" + "}" * 100


@pytest.mark.parametrize(
    "body",
    [
        f'{{"prompt": {OBJECTS}, "completions": []}}',
        f'{{"prompt": {DEEP}}}',
        f'{{"prompt": {HUNDRED}}}',
        OBJECTS,
        DEEP,
        '{"prompt": [{"role": "user", "content": "a\\u0000b"}], "completions": [{"text": "a"}, {"text": "b"}]}',
        '{"prompt": [{"role": "user", "content": "a\\ud800b"}], "completions": [{"text": "a"}, {"text": "b"}]}',
        '{"prompt": [{"role": "\\ud800", "content": "a"}], "completions": [{"text": "a"}, {"text": "b"}]}',
        '{"prompt": [{"role": {"a": 1}, "content": 5}], "completions": "\\ud800"}',
        '{"prompt": 1e999, "completions": NaN}',
        '"\\ud800"',
        "",
        "[[1]]",
        "null",
        b"\xff\xfe{",
    ],
)
def test_what_no_form_can_hold_is_refused_with_a_sentence(
    project: Project, mona: User, api: Callable[..., APIClient], body: str | bytes
) -> None:
    client, address = api(mona), f"/api/v1/projects/{project.slug}/comparisons/"
    for headers in ({}, {"Idempotency-Key": "0b5a3f5e-5a3c-4a53-9f57-8c3f4a9d9a01"}):
        answer = client.post(address, body, content_type="application/json", headers=headers)
        assert (answer.status_code, answer["content-type"]) == (400, "application/problem+json")
        assert answer.json()["detail"]
