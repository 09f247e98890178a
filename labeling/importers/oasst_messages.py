"""Open-Assistant's flat files: a message a line, with `message_id`, `parent_id` and `message_tree_id`. The messages of
a tree follow one another, parents first; the tree is then what `oasst.py` reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from common.shapes import Json, JsonObject
from labeling.importers import oasst
from labeling.importers._fields import kind_of
from labeling.importers.base import Item, Rejected, Transforms


class OasstMessages:
    about = "Open-Assistant messages one a line, put together into their trees"
    version = 1
    keys = oasst.IMPORTER.keys

    def matches(self, record: Json) -> bool:
        return isinstance(record, dict) and {"message_id", "parent_id", "role", "text"} <= set(record)

    def grouped(self, records: Iterable[tuple[int, Json]]) -> Iterator[tuple[Sequence[int], Json]]:
        """Trees out of messages, each with its lines. What is not a message comes by itself, to be refused."""
        lines: list[int] = []
        nodes: list[JsonObject] = []
        for line, record in records:
            message = record if isinstance(record, dict) and self.matches(record) else None
            if nodes and (message is None or _tree_of(message) != _tree_of(nodes[0])):
                yield lines, _tree(nodes)
                lines, nodes = [], []
            if message is None:
                yield [line], record
            else:
                lines.append(line)
                nodes.append(message)
        if nodes:
            yield lines, _tree(nodes)

    def parse(self, record: Json, kind: str, transforms: Transforms) -> list[Item]:
        if isinstance(record, dict) and isinstance(reason := record.get("refused"), str):
            raise Rejected(reason)
        if not isinstance(record, dict):
            raise Rejected(f"The record is {kind_of(record)}, not a message.")
        return oasst.IMPORTER.parse(record, kind, transforms)


IMPORTER = OasstMessages()


def _tree_of(message: JsonObject) -> Json:
    return message.get("message_tree_id")


def _tree(nodes: list[JsonObject]) -> JsonObject:
    """Messages below one another, as in the files of trees."""
    known: dict[str, JsonObject] = {}
    root: JsonObject | None = None
    for given in nodes:
        children: list[Json] = []
        node: JsonObject = {**given, "replies": children}
        name, parent = given.get("message_id"), given.get("parent_id")
        if parent in (None, ""):
            if root is not None:
                return {"refused": "The tree has two first messages."}
            root = node
        elif not isinstance(parent, str) or parent not in known:
            return {"refused": "The parent of a message does not stand before it."}
        else:
            replies = known[parent]["replies"]
            assert isinstance(replies, list)  # made above
            replies.append(node)
        known[str(name)] = node
    if root is None:
        return {"refused": "The tree has no first message."}
    return {"message_tree_id": nodes[0].get("message_tree_id"), "prompt": root}
