"""Kinds 1 and 4 over the API: a key that it does not know is an error by its name, and a body that nothing can hold is
a sentence; nothing is stored of either."""

from __future__ import annotations

import json

import pytest

from accounts.models import User
from common.shapes import JsonLike
from labeling import dialogues, turns
from labeling.models import Comparison, Project, Prompt, Ranking, Turn
from tests import makers
from tests.api.conftest import client_of

pytestmark = pytest.mark.django_db

ASKED: JsonLike = {"role": "user", "content": "?"}
TWO: JsonLike = [{"text": "a"}, {"text": "b"}]
FORMS = [
    ("comparison", {"prompt": [ASKED], "completions": TWO}),
    ("prompts", {"prompts": [[ASKED]]}),
    ("turn", {"role": "user", "text": "?"}),
    ("edit", {"text": "?"}),
    ("ranking", {"note": "?"}),
]


def addresses(project: Project, author: User) -> dict[str, tuple[str, str]]:
    """Method and address of every form."""
    draft = dialogues.start_dialogue(project=project, author=author, kind="demonstration")
    turn = turns.add_turn(dialogue=draft, role="user", text="Kept.")
    task = makers.make_lease(makers.make_comparison(project), author)
    return {
        "comparison": ("POST", f"projects/{project.slug}/comparisons/"),
        "prompts": ("POST", f"projects/{project.slug}/prompts/"),
        "turn": ("POST", f"dialogues/{draft.pk}/turns/"),
        "edit": ("PATCH", f"turns/{turn.pk}/"),
        "ranking": ("PUT", f"assignments/{task.pk}/ranking/"),
    }


def refused(project: Project, alice: User, mona: User, form: str, body: str) -> dict[str, JsonLike]:
    """The problem that the body is answered with, nothing of it being stored."""
    method, address = addresses(project, alice)[form]
    client = client_of(mona if form in ("comparison", "prompts") else alice)
    answer = client.generic(method, f"/api/v1/{address}", body, content_type="application/json")
    assert (answer.status_code, answer["content-type"]) == (400, "application/problem+json")
    assert (Comparison.objects.count(), Prompt.objects.count(), Ranking.objects.count()) == (1, 0, 0)
    assert list(Turn.objects.values_list("text", flat=True)) == ["Kept."]
    problem: dict[str, JsonLike] = json.loads(answer.content)
    assert problem["detail"]
    return problem


@pytest.mark.parametrize("key", ["vote", "model", "label", "ranking"])
@pytest.mark.parametrize(("form", "body"), FORMS)
def test_a_key_that_is_not_known_is_named(
    project: Project, alice: User, mona: User, form: str, body: dict[str, JsonLike], key: str
) -> None:
    errors = refused(project, alice, mona, form, json.dumps({**body, key: 3}))["errors"]
    assert isinstance(errors, dict)
    assert key in errors


def test_a_key_of_a_completion_is_named_in_its_place(project: Project, alice: User, mona: User) -> None:
    body = {"prompt": [ASKED], "completions": [{"text": "a", "model": "m1"}, {"text": "b"}], "vote": 3}
    errors = refused(project, alice, mona, "comparison", json.dumps(body))["errors"]
    assert isinstance(errors, dict)
    assert set(errors) == {"vote", "completions"}
    assert '"model"' in json.dumps(errors["completions"])


OBJECTS, LISTS = '{"a":' * 5_000 + "1" + "}" * 5_000, "[" * 5_000 + "]" * 5_000


@pytest.mark.parametrize("deep", [OBJECTS, LISTS])
@pytest.mark.parametrize(("form", "body"), FORMS)
def test_what_is_nested_thousands_deep_is_a_sentence(
    project: Project, alice: User, mona: User, form: str, body: dict[str, JsonLike], deep: str
) -> None:
    name = next(iter(body))
    whole = json.dumps({**body, name: "HERE"}).replace('"HERE"', deep)
    assert "nested" in str(refused(project, alice, mona, form, whole)["detail"])


@pytest.mark.parametrize("text", ["a\\u0000b", "\\ud83d", "\\udc00x"])
@pytest.mark.parametrize(
    ("form", "body"),
    [
        (
            "comparison",
            '{"prompt": [{"role": "user", "content": "HERE"}], "completions": [{"text": "a"}, {"text": "b"}]}',
        ),
        (
            "comparison",
            '{"prompt": [{"role": "user", "content": "?"}], "completions": [{"text": "a"}, {"text": "HERE"}]}',
        ),
        ("prompts", '{"prompts": [[{"role": "user", "content": "HERE"}]]}'),
        ("turn", '{"role": "user", "text": "HERE"}'),
        ("edit", '{"text": "HERE"}'),
        ("ranking", '{"note": "HERE"}'),
    ],
)
def test_what_no_database_holds_is_a_sentence(
    project: Project, alice: User, mona: User, form: str, body: str, text: str
) -> None:
    refused(project, alice, mona, form, body.replace("HERE", text))
