"""Open-Assistant message trees: replies with ranks become comparisons, the best path a dialogue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from labeling.importers.base import (
    COMPARISONS,
    DEMONSTRATIONS,
    MAX_COMPLETIONS,
    PROMPTS,
    Item,
    Judgement,
    Message,
    Rejected,
    Steps,
    Text,
    answer_of,
    checked,
    object_of,
    text_of,
)

ABOUT = "Open-Assistant message trees (prompt with replies, rank 0 is best)"
VERSION = 1

ROLES = {"prompter": "user", "assistant": "assistant"}


def matches(record: Any) -> bool:
    return isinstance(record, Mapping) and isinstance(record.get("prompt"), Mapping) and "replies" in record["prompt"]


def parse(record: Any, kind: str, steps: Steps) -> list[Item]:
    record = object_of(record)
    root = record.get("prompt")
    if not isinstance(root, Mapping):
        raise Rejected("There is no message tree: 'prompt' is not a message with replies.")
    if root.get("deleted"):
        raise Rejected("The first message was deleted.")
    opening = [_message(root, steps)]
    if kind == PROMPTS:
        return [Item(PROMPTS, checked(opening, last="user"))]
    if kind != DEMONSTRATIONS:
        items = list(_comparisons(root, opening, steps))
        if items:
            return items
        if kind == COMPARISONS:
            raise Rejected("No message has two replies to compare.")
    path = _best_path(root, opening, steps)
    if len(path) < 2:
        raise Rejected("The tree has no answer.")
    steps.take("best path taken as the dialogue")
    return [Item(DEMONSTRATIONS, checked(path, last="assistant"))]


def _message(node: Mapping[str, Any], steps: Steps) -> Message:
    role = ROLES.get(str(node.get("role")))
    if role is None:
        raise Rejected(f"A message has the role {node.get('role')!r}; prompter or assistant was expected.")
    text = text_of(node.get("text"), "text of a message")
    if role == "assistant":
        text = answer_of(text, "text of a reply", steps)
    elif not text.strip():
        raise Rejected("A message has no text.")
    return {"role": role, "content": text}


def _replies(node: Mapping[str, Any], steps: Steps) -> list[Mapping[str, Any]]:
    replies = [reply for reply in node.get("replies") or () if isinstance(reply, Mapping)]
    kept = [reply for reply in replies if not reply.get("deleted") and str(reply.get("text") or "").strip()]
    if len(kept) < len(replies):
        steps.take("deleted or empty replies skipped")
    return kept


def _comparisons(node: Mapping[str, Any], before: list[Message], steps: Steps) -> list[Item]:
    """Every message of the user with two or more ranked replies, from the root down."""
    items: list[Item] = []
    replies = _replies(node, steps)
    if before[-1]["role"] == "user":
        ranked = [reply for reply in replies if isinstance(reply.get("rank"), int)]
        if len(ranked) < len(replies):
            steps.take("replies without a rank left out of the order")
        ranked.sort(key=lambda reply: reply["rank"])
        if len(ranked) > MAX_COMPLETIONS:
            steps.take(f"only the {MAX_COMPLETIONS} best replies kept")
            ranked = ranked[:MAX_COMPLETIONS]
        if len(ranked) > 1:
            texts = tuple(
                Text(
                    _message(reply, steps)["content"], str(reply.get("model_name") or ""), str(reply.get("message_id"))
                )
                for reply in ranked
            )
            places: dict[int, list[int]] = {}
            for index, reply in enumerate(ranked):
                places.setdefault(reply["rank"], []).append(index)
            groups = tuple(tuple(places[rank]) for rank in sorted(places))
            items.append(Item(COMPARISONS, checked(list(before), last="user"), texts, (Judgement(groups),)))
    for reply in replies:
        message = _message(reply, steps)
        if message["role"] != before[-1]["role"]:
            items += _comparisons(reply, [*before, message], steps)
    return items


def _best_path(node: Mapping[str, Any], before: list[Message], steps: Steps) -> list[Message]:
    """Down the best-ranked replies to the last answer."""
    path = list(before)
    while replies := _replies(node, steps):
        node = min(replies, key=lambda reply: reply["rank"] if isinstance(reply.get("rank"), int) else 1_000)
        path.append(_message(node, steps))
    while path and path[-1]["role"] == "user" and len(path) > 1:
        path.pop()
    return path
