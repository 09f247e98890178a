"""Kind 5: texts that a reader cannot tell apart are one candidate, and a text with nothing visible is none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from accounts.models import User
from common.shapes import JsonObject
from labeling import candidates, chats, dialogues, turns
from labeling.errors import Invalid
from labeling.models import Candidate, Comparison, Dialogue, Project, Ranking
from sampler.models import SampleRequest
from tests import makers
from tests.api.conftest import client_of
from tests.labeling.importing import run

pytestmark = pytest.mark.django_db

SAME = "A caf\u00e9 by the sea."
EQUAL = [
    SAME,
    f"{SAME}\u200b",
    "A cafe\u0301 by the sea.",
    f"\u202a{SAME}\u202c ",
    f"\ufeff{SAME}",
    "A caf\u00e9 by the \u00adsea.",
]
EMPTY = ["\u200b", "\ufeff \u2060", "\u200d", "\u3164"]
USER: JsonObject = {"role": "user", "content": "Where?"}


@pytest.mark.parametrize("text", EQUAL)
def test_equal_texts_are_refused_by_the_api(project: Project, mona: User, text: str) -> None:
    asked = {"prompt": [USER], "completions": [{"text": SAME}, {"text": text}]}
    response = client_of(mona).post(f"/api/v1/projects/{project.slug}/comparisons/", asked, format="json")
    assert (response.status_code, Comparison.objects.count()) == (400, 0)
    assert "equal" in response.data["detail"]


@pytest.mark.parametrize("text", EMPTY)
def test_texts_with_nothing_visible_are_refused_by_the_api(project: Project, mona: User, text: str) -> None:
    client, address = client_of(mona), f"/api/v1/projects/{project.slug}/comparisons/"
    asked = {"prompt": [USER], "completions": [{"text": SAME}, {"text": text}]}
    assert client.post(address, asked, format="json").status_code == 400
    asked = {"prompt": [{"role": "user", "content": text}], "completions": [{"text": SAME}, {"text": "By the lake."}]}
    assert client.post(address, asked, format="json").status_code == 400


def _formats(one: str, other: str) -> list[tuple[str, JsonObject]]:
    """One comparison in every format that has any."""
    message: Callable[[str], JsonObject] = lambda text: {"role": "assistant", "content": text}  # noqa: E731
    completions: list[JsonObject] = [{"id": "1", "text": one}, {"id": "2", "text": other}]
    return [
        ("openai", {"messages": [USER], "completions": [*completions], "ranking": [["1"], ["2"]]}),
        ("openai", {"messages": [USER], "completions": [*completions]}),
        (
            "openai",
            {
                "input": {"messages": [USER]},
                "preferred_output": [message(one)],
                "non_preferred_output": [message(other)],
            },
        ),
        (
            "sharegpt",
            {
                "conversations": [{"from": "human", "value": "Where?"}],
                "chosen": {"from": "gpt", "value": one},
                "rejected": {"from": "gpt", "value": other},
            },
        ),
        (
            "hh",
            {
                "chosen": f"\n\nHuman: Where?\n\nAssistant: {one}",
                "rejected": f"\n\nHuman: Where?\n\nAssistant: {other}",
            },
        ),
        (
            "oasst",
            {
                "message_tree_id": "t",
                "prompt": {
                    "role": "prompter",
                    "text": "Where?",
                    "replies": [
                        {"role": "assistant", "text": one, "rank": 0},
                        {"role": "assistant", "text": other, "rank": 1},
                    ],
                },
            },
        ),
        (
            "raw",
            {
                "type": "comparison",
                "record": {
                    "prompt": [USER],
                    "completions": [*completions],
                    "rankings": [{"groups": [["1"], ["2"]]}],
                },
            },
        ),
    ]


@pytest.mark.parametrize("other", EQUAL)
@pytest.mark.parametrize("format", range(7))
def test_equal_texts_in_a_file_are_never_a_pair(project: Project, format: int, other: str) -> None:
    name, record = _formats(SAME, other)[format]
    report = run(project, name, [record], kind="comparisons")
    assert report.rows == 1
    assert (Comparison.objects.count(), Ranking.objects.count()) == (0, 0)


@pytest.mark.parametrize("other", EMPTY)
@pytest.mark.parametrize("format", range(7))
def test_a_text_with_nothing_visible_in_a_file_is_refused(project: Project, format: int, other: str) -> None:
    name, record = _formats(SAME, other)[format]
    run(project, name, [record], kind="comparisons")
    assert Candidate.objects.count() == 0


def test_equal_samples_are_sampled_again(project: Project, alice: User) -> None:
    makers.make_chat(project, alice, submit=True)
    project.near_duplicate_threshold = 1.0
    project.save()
    request = SampleRequest.objects.get(state="queued")
    makers.answer(request, *EQUAL[:2], EMPTY[0])
    candidates.settle_sampling()
    makers.answer(SampleRequest.objects.get(state="queued"), EQUAL[2], EQUAL[3], EMPTY[2], "By the lake, far away.")
    candidates.settle_sampling()
    texts = [candidate.completion.text for candidate in Comparison.objects.get().candidates.all()]
    assert SAME in texts
    assert not {*texts} & {*EQUAL[1:], *EMPTY}


@pytest.mark.parametrize("text", EMPTY)
def test_nobody_sends_what_nobody_sees(project: Project, alice: User, text: str) -> None:
    chat = dialogues.start_dialogue(project=project, author=alice, kind="chat")
    with pytest.raises(Invalid):
        chats.send_message(dialogue=chat, text=text)
    draft = dialogues.start_dialogue(project=project, author=alice, kind="demonstration")
    with pytest.raises(Invalid):
        turns.add_turn(dialogue=draft, role="user", text=text)


@pytest.mark.parametrize("text", EMPTY)
def test_an_ideal_answer_that_nobody_sees_is_none(project: Project, alice: User, text: str) -> None:
    project.ask_ideal_answer = True
    project.save()
    makers.make_ranking(makers.make_comparison(project), alice, ideal_answer=text)
    assert not Dialogue.objects.exists()
    assert Ranking.objects.get().ideal_answer is None
