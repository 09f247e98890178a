"""Open-Assistant message trees: replies with ranks become comparisons, the best path a dialogue."""

from __future__ import annotations

from collections.abc import Iterator

from common.shapes import Json, JsonObject, Message
from common.visible import visible
from labeling.importers._fields import answer_of, label_of, number_of, object_of, text_of
from labeling.importers._items import checked
from labeling.importers.base import (
    COMPARISONS,
    DEMONSTRATIONS,
    MAX_COMPLETIONS,
    PROMPTS,
    Item,
    Judgement,
    Rejected,
    Text,
    Transforms,
)

ROLES = {"prompter": "user", "assistant": "assistant"}
UNRANKED = 1_000  # after every reply that has a rank


class OpenAssistant:
    about = "Open-Assistant message trees (prompt with replies, rank 0 is best)"
    version = 1
    keys = frozenset({"prompt"})

    def matches(self, record: Json) -> bool:
        return isinstance(record, dict) and isinstance(root := record.get("prompt"), dict) and "replies" in root

    def parse(self, record: Json, kind: str, transforms: Transforms) -> list[Item]:
        root = object_of(record, transforms).get("prompt")
        if not isinstance(root, dict):
            raise Rejected("There is no message tree: 'prompt' is not a message with replies.")
        if _is_out(root):
            raise Rejected("The first message was deleted, or did not pass its review.")
        opening = [_message(root, transforms)]
        if kind == PROMPTS:
            return [Item(PROMPTS, checked(opening, last="user"))]
        if kind != DEMONSTRATIONS:
            items = list(_comparisons(root, opening, transforms))
            if items:
                return items
            if kind == COMPARISONS:
                raise Rejected("No message has two replies to compare.")
        path = _best_path(root, opening, transforms)
        if len(path) < 2:
            raise Rejected("The tree has no answer.")
        transforms.note("best path taken as the dialogue")
        return [Item(DEMONSTRATIONS, checked(path, last="assistant"))]


IMPORTER = OpenAssistant()


def _message(node: JsonObject, transforms: Transforms) -> Message:
    role = ROLES.get(str(node.get("role")))
    if role is None:
        raise Rejected(f"A message has the role {str(node.get('role'))[:40]!r}; prompter or assistant was expected.")
    text = text_of(node.get("text"), "text of a message")
    if role == "assistant":
        text = answer_of(text, "text of a reply", transforms)
    elif not visible(text):
        raise Rejected("A message has no text.")
    return {"role": role, "content": text}


def _replies(node: JsonObject, transforms: Transforms) -> list[JsonObject]:
    given = node.get("replies")
    replies = [reply for reply in given if isinstance(reply, dict)] if isinstance(given, list) else []
    kept = [reply for reply in replies if not _is_out(reply) and visible(str(reply.get("text") or ""))]
    if len(kept) < len(replies):
        transforms.note("deleted or empty replies skipped")
    return kept


def _is_out(node: JsonObject) -> bool:
    """Deleted by its author, or refused by the site's reviewers."""
    return bool(node.get("deleted")) or node.get("review_result") is False


def _rank(reply: JsonObject) -> int | None:
    """0 is best; replies that nobody ranked have none."""
    rank = reply.get("rank")
    return None if rank is None else int(number_of(rank, "rank"))


def _comparisons(node: JsonObject, before: list[Message], transforms: Transforms) -> Iterator[Item]:
    """Every message of the user with two or more ranked replies, from the root down."""
    replies = _replies(node, transforms)
    if before[-1]["role"] == "user":
        yield from _comparison(replies, before, transforms)
    for reply in replies:
        message = _message(reply, transforms)
        if message["role"] != before[-1]["role"]:
            yield from _comparisons(reply, [*before, message], transforms)


def _comparison(replies: list[JsonObject], before: list[Message], transforms: Transforms) -> Iterator[Item]:
    """The ranked ones among the replies as a comparison, where there are two of them."""
    ranked = [(rank, reply) for reply in replies if (rank := _rank(reply)) is not None]
    if len(ranked) < len(replies):
        transforms.note("replies without a rank left out of the order")
    ranked.sort(key=lambda pair: pair[0])
    once = {visible(str(reply["text"])): (rank, reply) for rank, reply in reversed(ranked)}
    if len(once) < len(ranked):
        transforms.note("of replies equal to a reader only the best kept")
        ranked = sorted(once.values(), key=lambda pair: pair[0])
    if len(ranked) > MAX_COMPLETIONS:
        transforms.note(f"only the {MAX_COMPLETIONS} best replies kept")
        ranked = ranked[:MAX_COMPLETIONS]
    if len(ranked) < 2:
        return
    texts = tuple(
        Text(
            _message(reply, transforms)["content"], label_of(reply.get("model_name")), label_of(reply.get("message_id"))
        )
        for _, reply in ranked
    )
    places: dict[int, list[int]] = {}
    for index, (rank, _) in enumerate(ranked):
        places.setdefault(rank, []).append(index)
    groups = tuple(tuple(places[rank]) for rank in sorted(places))
    yield Item(COMPARISONS, checked(list(before), last="user"), texts, (Judgement(groups),))


def _text(reply: JsonObject, transforms: Transforms) -> Text:
    text = _message(reply, transforms)["content"]
    return Text(text, label_of(reply.get("model_name")), label_of(reply.get("message_id")))


def _best_path(node: JsonObject, before: list[Message], transforms: Transforms) -> list[Message]:
    """Down the best-ranked replies to the last answer."""
    path = list(before)
    while replies := _replies(node, transforms):
        node = min(replies, key=lambda reply: UNRANKED if (rank := _rank(reply)) is None else rank)
        path.append(_message(node, transforms))
    while path and path[-1]["role"] == "user" and len(path) > 1:
        path.pop()
    return path
