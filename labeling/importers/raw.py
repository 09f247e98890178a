"""Our own archive: rows of the `raw` configuration of an export (docs/formats.md)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from labeling.importers.base import (
    COMPARISONS,
    DEMONSTRATIONS,
    PROMPTS,
    Item,
    Judgement,
    Message,
    Rejected,
    Steps,
    Text,
    checked,
    dialogue,
    judged,
    judgement,
    object_of,
    text_of,
)

ABOUT = "rows of the raw configuration of our own exports"
VERSION = 1

TYPES = ("prompt", "dialogue", "comparison")


def matches(record: Any) -> bool:
    return isinstance(record, Mapping) and record.get("type") in TYPES and "record" in record


def parse(record: Any, kind: str, steps: Steps) -> list[Item]:
    record = object_of(record)
    if record.get("type") not in TYPES:
        raise Rejected(f"The type is {record.get('type')!r}; it takes {', '.join(TYPES)}.")
    body = record.get("record")
    if isinstance(body, str):
        try:
            body = json.loads(body)
        except ValueError:
            raise Rejected("The field 'record' is no JSON.") from None
    body = object_of(body)
    if record["type"] == "prompt":
        if kind not in ("", PROMPTS):
            raise Rejected(f"The row is a prompt, none of the {kind}.")
        return [Item(PROMPTS, checked(_messages(body.get("messages")), last="user"))]
    if record["type"] == "dialogue":
        messages = _messages(body.get("turns"))
        return dialogue(messages, kind or DEMONSTRATIONS)
    return _comparison(body, kind, steps)


def _comparison(body: Mapping[str, Any], kind: str, steps: Steps) -> list[Item]:
    """The comparison with every judgement that stands; without order where nobody judged."""
    prompt = _messages(body.get("prompt"))
    given = body.get("completions")
    if not isinstance(given, list) or not given:
        raise Rejected("The comparison has no completions.")
    texts = [
        Text(text_of(object_of(c).get("text"), "completion"), str(c.get("model") or ""), str(c.get("id") or ""))
        for c in given
    ]
    place = {text.id: index for index, text in enumerate(texts)}
    judgements: list[Judgement] = []
    for ranking in body.get("rankings") or ():
        ranking = object_of(ranking)
        if ranking.get("undone_at") or not ranking.get("groups"):
            steps.take("judgements taken back or without an order left out")
            continue
        try:
            groups = [[place[cid] for cid in group] for group in ranking["groups"]]
        except (KeyError, TypeError):
            raise Rejected("A judgement names a completion that is not there.") from None
        more: dict[str, Any] = {
            "ratings": {place[c]: int(n) for c, n in (ranking.get("ratings") or {}).items() if c in place},
            "flags": {place[c]: list(names) for c, names in (ranking.get("flags") or {}).items() if c in place},
            "strengths": tuple(ranking.get("strengths") or ()),
            "note": text_of(ranking.get("note") or "", "note"),
        }
        judgements.append(judgement(groups, **more))
    return judged(prompt, texts, judgements, kind or COMPARISONS)


def _messages(given: Any) -> list[Message]:
    if not isinstance(given, list) or not given:
        raise Rejected("There are no messages.")
    messages = []
    for number, message in enumerate(given, start=1):
        message = object_of(message)
        content = message.get("content", message.get("text"))
        role = text_of(message.get("role"), f"role of message {number}")
        messages.append({"role": role, "content": text_of(content, f"text of message {number}")})
    return messages
