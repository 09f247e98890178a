"""Kind 2: preferences in the shapes that people have, told apart by themselves: each is one judgement, 4 over 5."""

from __future__ import annotations

import json

import pytest

from common.shapes import Json, JsonLike
from labeling.models import Comparison, Project, Ranking, TurnFeedback
from tests.labeling.importing import run

ASKED: JsonLike = {"role": "user", "content": "2+2?"}
FOUR: JsonLike = {"role": "assistant", "content": "4"}
FIVE: JsonLike = {"role": "assistant", "content": "5"}

PREFERENCES: dict[str, JsonLike] = {
    "TRL, conversational": {"prompt": [ASKED], "chosen": [FOUR], "rejected": [FIVE]},
    "TRL, implicit": {"chosen": [ASKED, FOUR], "rejected": [ASKED, FIVE]},
    "TRL, texts": {"prompt": "2+2?", "chosen": "4", "rejected": "5"},
    "UltraFeedback, binarized": {
        "prompt": "2+2?", "chosen": [ASKED, FOUR], "rejected": [ASKED, FIVE], "messages": [ASKED, FOUR],
    },
    "UltraFeedback": {
        "instruction": "2+2?",
        "completions": [{"response": "5", "overall_score": 2.0}, {"response": "4", "overall_score": 9.5}],
    },
    "HelpSteer3": {"context": [ASKED], "response1": "5", "response2": "4", "overall_preference": 2},
    "HelpSteer2": {"prompt": "2+2?", "response_1": "4", "response_2": "5", "preference_strength": -1},
    "Nectar": {
        "prompt": "\n\nHuman: 2+2?\n\nAssistant: ",
        "answers": [{"answer": "5", "rank": 2.0}, {"answer": "4", "rank": 1.0}],
    },
    "Alpaca preference": {"instruction": "2+2?", "input": "", "output_1": "5", "output_2": "4", "preference": 2},
    "OpenAI preference": {
        "input": {"messages": [ASKED]}, "preferred_output": [FOUR], "non_preferred_output": [FIVE],
    },
    "Arena": {
        "model_a": "x", "model_b": "y", "winner": "model_b",
        "conversation_a": [ASKED, FIVE], "conversation_b": [ASKED, FOUR],
    },
    "LLaMA-Factory": {
        "conversations": [{"from": "human", "value": "2+2?"}],
        "chosen": {"from": "gpt", "value": "4"}, "rejected": {"from": "gpt", "value": "5"},
    },
    "hh-rlhf": {"chosen": "\n\nHuman: 2+2?\n\nAssistant: 4", "rejected": "\n\nHuman: 2+2?\n\nAssistant: 5"},
    "orders": {"prompt": "2+2?", "completions": ["5", "4"], "ranking": [1, 0]},
    "Label Studio": {
        "id": 1, "data": {"prompt": "2+2?", "answer1": "5", "answer2": "4"},
        "annotations": [{"id": 2, "result": [{"type": "pairwise", "value": {"selected": "right"}}]}],
    },
    "Argilla": {
        "prompt": "2+2?", "response-1": "5", "response-2": "4",
        "ranking": [{"user_id": "u", "status": "submitted", "value": [
            {"rank": 1, "value": "response-2"}, {"rank": 2, "value": "response-1"}]}],
    },
    "Open-Assistant": {"message_tree_id": "t", "prompt": {"text": "2+2?", "role": "prompter", "replies": [
        {"text": "5", "role": "assistant", "rank": 1}, {"text": "4", "role": "assistant", "rank": 0}]}},
}  # fmt: skip


@pytest.mark.parametrize("name", PREFERENCES)
def test_a_preference_is_one_comparison_with_its_order(project: Project, name: str) -> None:
    report = run(project, "", [PREFERENCES[name]])
    assert (report.imported, report.made) == (1, {"comparisons": 1}), report.errors
    ranking = Ranking.objects.get()
    said = {str(c.completion_id): c.completion.text for c in ranking.comparison.candidates.all()}
    assert [[said[cid] for cid in group] for group in ranking.groups] == [["4"], ["5"]]
    assert (ranking.kind, ranking.comparison.prompt) == ("imported", [ASKED])


def test_open_assistant_messages_one_a_line_are_one_tree(project: Project) -> None:
    lines: list[JsonLike] = [
        {"message_id": "q", "parent_id": None, "message_tree_id": "t", "role": "prompter", "text": "2+2?"},
        {"message_id": "a", "parent_id": "q", "message_tree_id": "t", "role": "assistant", "text": "5", "rank": 1},
        {"message_id": "b", "parent_id": "q", "message_tree_id": "t", "role": "assistant", "text": "4", "rank": 0},
    ]
    report = run(project, "", lines)
    assert (report.format, report.rows, report.imported) == ("oasst_messages", 3, 3)
    assert Comparison.objects.get().prompt == [ASKED]
    ranking = Ranking.objects.get()
    best = ranking.comparison.candidates.get(completion_id=ranking.groups[0][0])
    assert best.completion.text == "4"


@pytest.mark.parametrize("up", [True, False])
@pytest.mark.parametrize(
    "record",
    [
        {"prompt": "2+2?", "completion": "4"},
        {"prompt": [ASKED], "completion": [FOUR]},
        {"messages": [ASKED, FOUR]},
        {"conversations": [{"from": "human", "value": "2+2?"}, {"from": "gpt", "value": "4"}]},
    ],
)
def test_an_answer_with_a_label_tells_itself_from_an_example(
    project: Project, record: dict[str, Json], up: bool
) -> None:
    report = run(project, "", [json.loads(json.dumps({**record, "label": up}))])
    assert (report.format, report.made) == ("kto", {"ratings": 1})
    assert TurnFeedback.objects.get().thumb_up is up
