"""Each importer by itself: what a record of its format becomes. What all have to keep: test_importer_contract.py."""

from __future__ import annotations

import pytest

from common.shapes import JsonLike, JsonObject
from labeling.importers.base import Item, Rejected
from tests.labeling.importing import parsed


def texts(item: Item) -> list[tuple[str, str]]:
    return [(m["role"][0], m["content"]) for m in item.messages]


def test_prompt_and_completion_lose_their_framing_and_nothing_else() -> None:
    (item,), steps = parsed("instructgpt", {"prompt": "Is it spam?\r\n\n\n###\n\n", "completion": " yes END"})
    assert texts(item) == [("u", "Is it spam?"), ("a", "yes")]
    assert steps == [
        "separator '###' dropped from the prompt",
        "outer whitespace of the prompt stripped",
        "stop 'END' dropped from the completion",
        "outer whitespace of the answer stripped",
    ]
    (item,), _ = parsed("instructgpt", {"prompt": "A THE END", "completion": "x<|endoftext|>"})
    assert texts(item) == [("u", "A THE END"), ("a", "x")]


def test_a_transcript_becomes_turns_only_on_request_and_only_whole() -> None:
    chat: JsonObject = {
        "prompt": "User: fan is loud\nAssistant: Always?\nUser: all the time\nAssistant:",
        "completion": "Dust.",
    }
    (item,), _ = parsed("instructgpt", chat)
    assert len(item.messages) == 2
    (item,), steps = parsed("instructgpt", chat, split_turns=True)
    assert texts(item) == [("u", "fan is loud"), ("a", "Always?"), ("u", "all the time"), ("a", "Dust.")]
    assert "transcript of User:/Assistant: split into turns" in steps
    for about in (
        "Sum this up.\n---\nUser: a\nAssistant: b\nUser: c\nAssistant:",
        "Q: one\nA: two",
        "Q: a\nQ: b\nA:",
        "User: a\nAssistant:\nUser: b\nAssistant:",
    ):
        (item,), _ = parsed("instructgpt", {"prompt": about, "completion": "x"}, split_turns=True)
        assert len(item.messages) == 2, about


def test_alpaca_joins_instruction_and_input_and_takes_the_preamble_off() -> None:
    preamble = (
        "Below is an instruction that describes a task, paired with an input that provides further context. "
        "Write a response that appropriately completes the request."
    )
    (item,), _ = parsed("alpaca", {"instruction": "Add.", "input": "1 2", "output": "3"})
    assert texts(item) == [("u", "Add.\n\n1 2"), ("a", "3")]
    whole = f"{preamble}\n\n### Instruction:\nAdd.\n\n### Input:\n1 2\n\n### Response:"
    (item,), steps = parsed("alpaca", {"instruction": whole, "output": "3"})
    assert texts(item) == [("u", "Add.\n\n1 2"), ("a", "3")]
    assert "Alpaca preamble taken off" in steps
    (item,), _ = parsed("alpaca", {"instruction": whole, "output": "3"}, keep_preamble=True)
    assert texts(item)[0] == ("s", preamble)


def test_sharegpt_becomes_a_dialogue_or_a_comparison() -> None:
    turns: list[JsonLike] = [
        {"from": "system", "value": "Be brief."},
        {"from": "human", "value": "Hi"},
        {"from": "gpt", "value": " Hello "},
    ]
    (item,), _ = parsed("sharegpt", {"conversations": turns})
    assert (item.kind, texts(item)) == ("demonstrations", [("s", "Be brief."), ("u", "Hi"), ("a", "Hello")])
    record: JsonLike = {
        "conversations": turns[:2],
        "chosen": {"from": "gpt", "value": "A"},
        "rejected": {"from": "gpt", "value": "B"},
    }
    (item,), _ = parsed("sharegpt", record)
    assert (item.kind, item.groups, [c.text for c in item.completions]) == ("comparisons", ((0,), (1,)), ["A", "B"])
    (item,), _ = parsed("sharegpt", record, "demonstrations")
    assert texts(item)[-1] == ("a", "A")


def test_openai_messages_preferences_and_k_completions() -> None:
    messages: list[JsonLike] = [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]
    (item,), steps = parsed("openai", {"messages": [*messages, {"role": "assistant", "content": "Hello", "weight": 1}]})
    assert texts(item) == [("u", "Hi"), ("a", "Hello")]
    assert steps == ["text parts joined"]
    one: list[JsonLike] = [{"role": "assistant", "content": "A"}]
    two: list[JsonLike] = [{"role": "assistant", "content": "B"}]
    record: JsonLike = {"input": {"messages": messages}, "preferred_output": one, "non_preferred_output": two}
    (item,), _ = parsed("openai", record)
    assert [c.text for c in item.completions] == ["A", "B"]
    several: dict[str, JsonLike] = {
        "messages": messages,
        "completions": [{"id": c, "text": f"text {c}"} for c in "ABC"],
    }
    (item,), _ = parsed("openai", {**several, "ranking": [["B"], ["A", "C"]]})
    assert item.groups == ((1,), (0, 2))
    (item,), _ = parsed("openai", several)
    assert item.groups == ()


def test_hh_takes_only_true_markers() -> None:
    chosen = "\n\nHuman: One?\n\nAssistant: Two\n\nlines, says\n\nHuman\n\nHuman: And?\n\nAssistant: Yes"
    (item,), _ = parsed("hh", {"chosen": chosen, "rejected": chosen[:-3] + "No"})
    assert texts(item) == [("u", "One?"), ("a", "Two\n\nlines, says\n\nHuman"), ("u", "And?")]
    assert [c.text for c in item.completions] == ["Yes", "No"]


def test_oasst_trees_give_every_ranked_group_or_the_best_path() -> None:
    def node(
        text: str, rank: int | None = None, *replies: JsonLike, role: str = "assistant", deleted: bool = False
    ) -> JsonLike:
        shown = {"message_id": text, "text": text, "role": role, "rank": rank, "replies": replies}
        return {**shown, "deleted": True} if deleted else shown

    question = node("And?", None, node("Y", 1), node("X", 0), node("unranked"), role="prompter")
    replies = (node("A", 1), node("B", 0, question), node("gone", 2, deleted=True))
    tree: JsonLike = {"message_tree_id": "t", "prompt": node("Q", None, *replies, role="prompter")}
    items, steps = parsed("oasst", tree)
    assert [([c.text for c in item.completions], item.groups) for item in items] == [
        (["B", "A"], ((0,), (1,))),
        (["X", "Y"], ((0,), (1,))),
    ]
    assert texts(items[1]) == [("u", "Q"), ("a", "B"), ("u", "And?")]
    assert set(steps) == {"deleted or empty replies skipped", "replies without a rank left out of the order"}
    (item,), _ = parsed("oasst", tree, "demonstrations")
    assert texts(item) == [("u", "Q"), ("a", "B"), ("u", "And?"), ("a", "X")]


def test_a_rating_that_is_not_a_number_is_refused_and_does_not_end_the_import() -> None:
    ranking: JsonObject = {"groups": [["a"], ["b"]], "ratings": {"a": "good"}}
    body: JsonObject = {
        "prompt": [{"role": "user", "content": "Hi"}],
        "completions": [{"id": "a", "text": "A"}, {"id": "b", "text": "B"}],
        "rankings": [ranking],
    }
    with pytest.raises(Rejected, match="not a whole number"):
        parsed("raw", {"type": "comparison", "record": body})
    ranking["ratings"] = {"a": 7, "b": 2.0}
    (item,), _ = parsed("raw", {"type": "comparison", "record": body})
    assert item.judgements[0].ratings == {0: 7, 1: 2}
