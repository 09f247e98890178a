"""Records of every import format, as their publishers write them; one of each format at least uses every field."""

from __future__ import annotations

from common.shapes import JsonObject

TURN: JsonObject = {"role": "user", "content": "Hi"}
REPLY: JsonObject = {"role": "assistant", "content": "Hello"}
OTHER: JsonObject = {"role": "assistant", "content": "Go away."}
CHAT: list[JsonObject] = [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]

_K_WISE: list[JsonObject] = [
    {
        "context": [TURN],
        "completions": [
            {
                "completion": [REPLY],
                "completion_id": "a",
                "model": "m",
                "rank": 0,
                "overall": 6,
                "flags": ["spam"],
                "criteria": [{"name": "honest", "grade": 4}],
                "spans": [{"start": 0, "end": 5, "category": "rude", "comment": "Why?"}],
            },
            {"completion": [OTHER], "completion_id": "b", "model": "m", "rank": 1},
        ],
        "strengths": [2],
        "scales": [{"name": "honest", "steps": 5}],
        "status": "ranked",
        "system": "Be brief.",
        "note": "Clear.",
    },
    {"prompt": "Pick.", "completions": ["first", "second"], "ranking": [0, 1]},
    {"question": "Pick.", "responses": ["first", "second"], "scores": [0.1, 0.9]},
    {
        "messages": [TURN],
        "completions": [{"text": "A", "id": "a"}, {"text": "B", "id": "b"}],
        "ranking": [["b"], ["a"]],
    },
    {"prompt": "Pick.", "responses": ["first", "second", "third"], "ranks": [2, 1, 1]},
]
_PREFERENCE: JsonObject = {"input": {"messages": [TURN]}, "preferred_output": [REPLY], "non_preferred_output": [OTHER]}

EXAMPLES: dict[str, list[JsonObject]] = {
    "alpaca": [{"instruction": "Add.", "input": "1 2", "output": "3", "history": [], "system": ""}],
    "alpaca_preference": [
        {"instruction": "Add.", "input": "1 2", "chosen": "3", "rejected": "4", "system": "", "history": []},
        {"instruction": "Add.", "input": "", "output": ["3", "4"]},
        {"instruction": "Add.", "input": "", "output_1": "3", "output_2": "4", "preference": 1},
    ],
    "arena": [
        {
            "question_id": "7", "model_a": "x", "model_b": "y", "winner": "model_b",
            "conversation_a": [TURN, REPLY], "conversation_b": [TURN, OTHER],
        },
        {
            "id": 7, "model_a": "x", "model_b": "y", "prompt": '["Hi"]', "response_a": '["Hello"]',
            "response_b": '["Go away."]', "winner_model_a": 1, "winner_model_b": 0, "winner_tie": 0,
        },
    ],
    "argilla": [
        {
            "prompt": "Pick.", "response-1": "first", "response-2": "second",
            "ranking": [
                {"user_id": "u", "status": "submitted",
                 "value": [{"rank": 1, "value": "response-2"}, {"rank": 2, "value": "response-1"}]},
                {"user_id": "v", "status": "discarded", "value": None},
            ],
        },
        {
            "id": "r", "fields": {"instruction": "Pick.", "response_1": "first", "response_2": "second"},
            "responses": {"ranking": [{"user_id": "u", "value": [
                {"rank": 1, "value": "response_1"}, {"rank": 1, "value": "response_2"}]}]},
        },
        {
            "prompt": "Pick.", "response1": "first", "response2": "second",
            "ranking.responses": [[{"rank": 1, "value": "response1"}, {"rank": 2, "value": "response2"}]],
            "ranking.responses.users": ["u"], "ranking.responses.status": ["submitted"],
        },
    ],
    "dolly": [{"instruction": "Who wrote it?", "context": "By Ada, 1840.", "response": "Ada."}],
    "helpsteer": [
        {"context": [TURN], "response1": "Hello", "response2": "Go away.", "overall_preference": -2},
        {
            "context": [TURN], "response1": "Hello", "response2": "Go away.", "overall_preference": -2,
            "individual_preference": [{"score": -3, "reasoning": "Kind."}, {"score": 0, "reasoning": "Alike."}],
        },
        {"prompt": "Hi", "response_1": "Hello", "response_2": "Go away.", "preference_strength": 1},
    ],
    "hh": [{"chosen": "\n\nHuman: Hi\n\nAssistant: A", "rejected": "\n\nHuman: Hi\n\nAssistant: B"}],
    "instructgpt": [
        {"prompt": "Why?", "completion": "So."},
        {"question": "Why?", "context": "It rains.", "answer": "So."},
        {"prompt": "Why?", "response": "So.", "system": "Be brief."},
    ],
    "kto": [
        {"prompt": "Is the moon cheese?", "completion": "Yes, cheddar.", "label": False},
        {"messages": [TURN, REPLY], "label": True},
        {"conversations": [*CHAT], "kto_tag": False},
        {"instruction": "Add.", "input": "1 2", "output": "4", "kto_tag": "false"},
        {"prompt": [TURN], "completion": [REPLY], "label": True, "model": "m"},
    ],
    "label_studio": [
        {
            "id": 1, "data": {
                "prompt": "Pick.", "items": [{"id": "x", "body": "first"}, {"id": "y", "body": "second"}],
            },
            "annotations": [{"id": 2, "was_cancelled": False, "result": [
                {"type": "ranker", "from_name": "rank", "to_name": "results", "value": {"ranker": ["y", "x"]}}]}],
        },
        {
            "id": 2, "data": {"prompt": "Pick.", "answer1": "first", "answer2": "second"},
            "annotations": [
                {"id": 3, "result": [{"type": "pairwise", "value": {"selected": side}}]} for side in ("left", "right")
            ],
        },
    ],
    "nectar": [{
        "prompt": "\n\nHuman: Hi\n\nAssistant: ",
        "answers": [{"answer": "Go away.", "model": "x", "rank": 2.0}, {"answer": "Hello", "model": "y", "rank": 1.0}],
        "system": "",
    }],
    "oasst": [{"message_tree_id": "t", "prompt": {"text": "Q", "role": "prompter", "replies": [
        {"text": "A", "role": "assistant", "rank": 1}, {"text": "B", "role": "assistant", "rank": 0}]}}],
    "oasst_messages": [
        {"message_id": "q", "parent_id": None, "message_tree_id": "t", "role": "prompter", "text": "Q"},
        {"message_id": "a", "parent_id": "q", "message_tree_id": "t", "role": "assistant", "text": "A", "rank": 1},
        {"message_id": "b", "parent_id": "q", "message_tree_id": "t", "role": "assistant", "text": "B", "rank": 0},
    ],
    "openai": [{"messages": [TURN, REPLY], "system": "Be brief."}],
    "openai_preference": [_PREFERENCE],
    "rankings": _K_WISE,
    "prompts": [
        {"prompt": "Why is the sky blue?", "paraphrases": "sky"},
        {"question": "Who wrote it?"},
        {"instruction": "Add 1 and 2."},
        {"text": "Tell me a joke."},
    ],
    "raw": [
        {"type": "prompt", "record": {"messages": [TURN]}},
        {"type": "dialogue", "record": {"kind": "demonstration", "turns": [
            {"role": "user", "text": "Hi"}, {"role": "assistant", "text": "Hello", "feedback": [{"thumb_up": True}]}]}},
        {"type": "comparison", "record": {
            "prompt": [TURN], "completions": [{"id": "a", "text": "A"}, {"id": "b", "text": "B"}],
            "rankings": [{"groups": [["a"], ["b"]], "ratings": {"a": 7}, "flags": {"b": ["spam"]}, "strengths": [3],
                          "scales": [{"name": "honest", "steps": 5}], "criteria": {"a": {"honest": 5}},
                          "spans": {"b": [{"start": 0, "end": 1, "category": "rude", "comment": ""}]}}]}},
    ],
    "sharegpt": [
        {"conversations": [*CHAT], "system": "Be brief."},
        {"conversations": [CHAT[0]], "chosen": CHAT[1], "rejected": {"from": "gpt", "value": "B"}},
    ],
    "trl_preference": [
        {
            "prompt": [TURN], "chosen": [REPLY], "rejected": [OTHER], "system": "", "strength": 2,
            "chosen_model": "x", "rejected_model_version": "y@1",
        },
        {"chosen": [TURN, REPLY], "rejected": [TURN, OTHER]},
        {"prompt": "Hi", "chosen": "Hello", "rejected": "Go away."},
        {"prompt": "Hi", "chosen": [TURN, REPLY], "rejected": [TURN, OTHER], "messages": [TURN, REPLY]},
        {"question": "Hi", "chosen": "Hello", "rejected": "Go away."},
        {"messages": [TURN], "chosen": REPLY, "rejected": OTHER},
        {"input": "Hi", "chosen": "Hello", "rejected": "Go away.", "system": ""},
    ],
    "trl_sft": [{"prompt": [TURN], "completion": [REPLY]}, {"prompt": [TURN], "system": "Be brief."}],
    "ultrafeedback": [{"instruction": "Hi", "completions": [
        {"response": "Hello", "model": "x", "fine-grained_score": 4.5, "overall_score": 8},
        {"response": "Go away.", "model": "y", "overall_score": 1}]}],
}  # fmt: skip
