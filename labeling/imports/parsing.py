"""Items made of records: what cannot be stored is refused, and each record gets the identity by which a second import
knows it. How records are read is `reading.py`; how items are stored, `storing.py`."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence

from common.control_tokens import ControlTokens, refusal
from common.shapes import Json
from labeling import prompt_lengths
from labeling.errors import Invalid
from labeling.importers.base import ID_KEYS, PROMPTS, Grouping, Importer, Item, Options, Rejected, Transforms
from labeling.imports.records import Found, Parsed
from labeling.imports.reporting import Report
from labeling.prompt_lengths import Room
from labeling.text import check_json

DEEPEST = 200  # objects and lists within one another; an Open-Assistant tree has two for each message


class Parser:
    """Makes items of records; remembers which ids and contents the file had."""

    def __init__(
        self, importer: Importer, options: Options, report: Report, control_tokens: ControlTokens, room: Room | None
    ) -> None:
        self._importer, self._options, self._report = importer, options, report
        self._control_tokens, self._room = control_tokens, room
        self._ids: dict[bytes, int] = {}  # digest of a record's id to its line
        self._contents: dict[bytes, int] = {}  # digest of a record's content to its line
        self._times: Counter[bytes] = Counter()  # judgements without an id, by digest of their content

    def parsed(self, found: Iterator[Found], kind: str) -> Iterator[Parsed]:
        """The records that can be stored; the others are counted with their reasons."""
        for lines, record in self._records(found):
            self._report.rows += len(lines)
            transforms = Transforms(self._options, self._control_tokens)
            try:
                _refuse_depth(record)
                id_ = self._id(record, lines[0])
                items = self._importer.parse(record, kind, transforms)
                self._refuse_control_tokens(items)
                self._refuse_too_long(items)
                unused = transforms.unused()
                _refuse_unstorable(record)
                identity = self._identity(id_, items, lines[0])
            except Rejected as refusal:
                self._report.reject(lines, str(refusal))
            except RecursionError:
                self._report.reject(lines, "The record is nested too deeply.")
            else:
                yield Parsed(lines, record, items, transforms.names, unused, identity)

    def _records(self, found: Iterator[Found]) -> Iterator[tuple[Sequence[int], Json]]:
        readable = self._readable(found)
        if isinstance(self._importer, Grouping):
            yield from self._importer.grouped(readable)
        else:
            for line, record in readable:
                yield [line], record

    def _readable(self, found: Iterator[Found]) -> Iterator[tuple[int, Json]]:
        for one in found:
            if one.reason:
                self._report.rows += 1
                self._report.reject([one.line], one.reason)
            else:
                yield one.line, one.record

    def _refuse_control_tokens(self, items: list[Item]) -> None:
        for item in items:
            for what, text in item.texts():
                if token := self._control_tokens.first(text):
                    raise Rejected(refusal(token, what))

    def _refuse_too_long(self, items: list[Item]) -> None:
        """Prompts only: everything else comes with its answers."""
        for item in items:
            if item.kind == PROMPTS:
                try:
                    prompt_lengths.check(self._room, item.messages)
                except Invalid as refusal:
                    raise Rejected(str(refusal)) from None

    def _id(self, record: Json, line: int) -> str:
        """The record's own id, empty where it has none; a file that repeats one is at fault."""
        if not isinstance(record, dict):
            return ""
        given = next((record[key] for key in ID_KEYS if key in record), None)
        if isinstance(given, bool) or not isinstance(given, str | int) or given == "":
            return ""
        first = self._ids.setdefault(_digest(repr(given)), line)
        if first != line:
            raise Rejected(f"The id {str(given)[:80]!r} was on line {first} already.")
        return repr(given)

    def _identity(self, id_: str, items: list[Item], line: int) -> Sequence[str]:
        """The id; else the content, and for a judgement the how-manieth time it comes: two people may judge alike."""
        content = _digest(json.dumps([item.content() for item in items], sort_keys=True))
        if any(item.judgements or item.thumbs for item in items):
            self._times[content] += 1
        elif (first := self._contents.setdefault(content, line)) != line:
            raise Rejected(f"The record says the same as line {first}.")
        if id_:
            return ["id", id_]
        return ["content", content.hex(), str(max(1, self._times.get(content, 0)))]


def _refuse_depth(record: Json) -> None:
    if _depth(record) > DEEPEST:
        raise Rejected(f"The record is nested more than {DEEPEST} deep.")


def _refuse_unstorable(record: Json) -> None:
    """Refuse what PostgreSQL cannot hold, in whatever field it stands: the record is kept beside what it becomes."""
    try:
        check_json(record)
    except Invalid:
        raise Rejected("A field holds a NUL byte or half of a surrogate pair, which cannot be stored.") from None


def _depth(record: Json) -> int:
    """How deep objects and lists stand within one another; counting stops beyond `DEEPEST`."""
    level: list[Json] = [record]
    for depth in range(DEEPEST + 2):
        level = [
            inner
            for value in level
            if isinstance(value, dict | list)
            for inner in (value.values() if isinstance(value, dict) else value)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return depth
    return DEEPEST + 1


def _digest(text: str) -> bytes:
    """Eight bytes a record: a file of ten million records fits into memory."""
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest()
