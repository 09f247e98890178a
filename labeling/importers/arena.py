"""Battles of Chatbot Arena: two conversations, or a prompt with two responses, and who won.

Published in three shapes: `conversation_a`/`conversation_b` with `winner`; `prompt`, `response_a`, `response_b` with
`winner_model_a`, `winner_model_b`, `winner_tie`; the same with `winner`. Texts of several turns stand as a JSON list.
"""

from __future__ import annotations

import json

from common.shapes import Json, Message
from labeling.importers._fields import label_of, object_of, text_of, truth_of
from labeling.importers._items import judged, judgement
from labeling.importers._messages import answer_in, messages_of
from labeling.importers.base import Fields, Item, Judgement, Rejected, Text, Transforms

SIDES = ("a", "b")
VOTES = ("winner_model_a", "winner_model_b", "winner_tie")
TIES = {"tie": "", "tie (bothbad)": "both are bad", "both_bad": "both are bad", "bothbad": "both are bad"}


class Arena:
    about = "conversation_a and conversation_b, or response_a and response_b, with the winner"
    version = 1
    keys = frozenset({"prompt", "winner", *VOTES}).union(
        *({f"conversation_{side}", f"response_{side}", f"model_{side}"} for side in SIDES)
    )

    def matches(self, record: Json) -> bool:
        if not isinstance(record, dict) or not ("winner" in record or set(VOTES) <= set(record)):
            return False
        return any({f"{what}_a", f"{what}_b"} <= set(record) for what in ("conversation", "response"))

    def parse(self, record: Json, kind: str, transforms: Transforms) -> list[Item]:
        fields = object_of(record, transforms)
        dialogues = [_dialogue(fields, side, transforms) for side in SIDES]
        if dialogues[0][:-1] != dialogues[1][:-1]:
            raise Rejected("The two conversations differ before the last answer.")
        answers = [messages[-1] for messages in dialogues]
        if any(message["role"] != "assistant" for message in answers):
            raise Rejected("A conversation does not end with the assistant.")
        models = [label_of(fields.get(f"model_{side}")) for side in SIDES]
        texts = [Text(message["content"], model) for message, model in zip(answers, models, strict=True)]
        return judged(dialogues[0][:-1], texts, [_vote(fields)], kind)


IMPORTER = Arena()


def _dialogue(fields: Fields, side: str, transforms: Transforms) -> list[Message]:
    if f"conversation_{side}" in fields:
        return messages_of(_unpacked(fields.get(f"conversation_{side}")), transforms, f"conversation_{side}")
    prompts, answers = _texts(fields.get("prompt"), "prompt"), _texts(fields.get(f"response_{side}"), "response")
    if len(prompts) != len(answers):
        raise Rejected(f"There are {len(prompts)} prompts and {len(answers)} responses.")
    messages: list[Message] = []
    for prompt, answer in zip(prompts, answers, strict=True):
        messages.append({"role": "user", "content": text_of(prompt, "prompt")})
        messages.append({"role": "assistant", "content": answer_in(answer, "response", transforms)})
    return messages


def _texts(given: Json, what: str) -> list[Json]:
    given = _unpacked(given)
    if isinstance(given, list):
        return given
    return [text_of(given, what)]


def _unpacked(given: Json) -> Json:
    """What a text holds that is a JSON list; everything else as it is."""
    if isinstance(given, str) and given.lstrip().startswith("["):
        try:
            unpacked: Json = json.loads(given)
        except ValueError:
            return given
        return unpacked
    return given


def _vote(fields: Fields) -> Judgement:
    winner = fields.get("winner")
    if winner is None:
        votes = [truth_of(fields.get(name), name) for name in VOTES]
        if sum(votes) != 1:
            raise Rejected("Exactly one of 'winner_model_a', 'winner_model_b' and 'winner_tie' has to be true.")
        winner = ("model_a", "model_b", "tie")[votes.index(True)]
    if winner == "model_a":
        return judgement([[0], [1]])
    if winner == "model_b":
        return judgement([[1], [0]])
    if isinstance(winner, str) and winner in TIES:
        return judgement([[0, 1]], note=TIES[winner])
    raise Rejected(f"The winner is {str(winner)[:40]!r}; it takes model_a, model_b or a tie.")
