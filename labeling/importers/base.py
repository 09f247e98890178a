"""The contract of an importer: what it declares, what it makes of a record, and how it refuses one.

How importers read the fields of a record is `_fields.py`; what they build items with, `_items.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from common.control_tokens import FAMILIES, ControlTokens
from common.plugins import Folder
from common.shapes import Json, Message

PROMPTS, DEMONSTRATIONS, COMPARISONS = "prompts", "demonstrations", "comparisons"
RATINGS = "ratings"  # what a record with a thumb naturally is; nobody asks for it
KINDS = (PROMPTS, DEMONSTRATIONS, COMPARISONS)
MAX_COMPLETIONS = 9
ID_KEYS = ("id", "message_tree_id")  # the id of a record, whatever its format: a file that repeats one is at fault

# Fields that change what a record says: one that its importer does not read refuses the record.
TELLING = frozenset({
    "label", "kto_tag", "is_chosen", "chosen", "rejected", "preferred_output", "non_preferred_output", "winner",
    "preferred", "preference", "overall_preference", "preference_strength", "better_response_id", "ranking", "rankings",
    "rank", "ranks", "answers", "completions", "tool_calls", "function_call", "tool_call_id", "system",
    "system_prompt", "history",
})  # fmt: skip


class Rejected(ValueError):
    """The record cannot be imported; the message is the reason, a sentence."""


@dataclass(frozen=True)
class Text:
    """A completion of a comparison, as it came."""

    text: str
    model: str = ""
    id: str = ""


@dataclass(frozen=True)
class Judgement:
    """One order of a comparison's completions, which it names by their index."""

    groups: tuple[tuple[int, ...], ...]  # best first
    ratings: Mapping[int, int] = field(default_factory=dict)
    flags: Mapping[int, list[str]] = field(default_factory=dict)
    strengths: tuple[int, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Item:
    """One thing to store: messages that end with the user's (prompt), with the assistant's
    (demonstration, rating), or a prompt with completions and perhaps their order (comparison)."""

    kind: str
    messages: list[Message]
    completions: tuple[Text, ...] = ()
    judgements: tuple[Judgement, ...] = ()  # none: not ordered
    thumbs: tuple[tuple[int, bool], ...] = ()  # the place of an answer among the messages, and up or down
    context: frozenset[int] = frozenset()  # places of answers that nobody should learn to give
    paraphrases: str = ""  # of a prompt: the name of the question that others ask in different words

    @property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """The first judgement's order."""
        return self.judgements[0].groups if self.judgements else ()

    def texts(self) -> Iterator[tuple[str, str]]:
        """Every text that a model would read, with what it is."""
        for number, message in enumerate(self.messages, start=1):
            yield f"Message {number}", message["content"]
        for number, completion in enumerate(self.completions, start=1):
            yield f"Answer {number}", completion.text

    def subject(self) -> dict[str, object]:
        """What is judged, less the judgements: the same for everybody who judges it, in whatever order it was shown."""
        return {
            "kind": self.kind,
            "messages": self.messages,
            "completions": sorted([c.text, c.model] for c in self.completions),
        }

    def content(self) -> dict[str, object]:
        """Everything that the item says."""
        texts = [[c.text, c.model] for c in self.completions]
        orders = [[[texts[place] for place in group] for group in one.groups] for one in self.judgements]
        further = {"thumbs": self.thumbs} if self.thumbs else {}
        context = {"context": sorted(self.context)} if self.context else {}
        return self.subject() | {"orders": orders} | further | context


@dataclass(frozen=True)
class Options:
    """Transforms that are made only on request."""

    split_turns: bool = False  # a prompt that is wholly a transcript becomes turns
    keep_preamble: bool = False  # Alpaca's preamble becomes the system message


class Fields(dict[str, Json]):
    """An object of a record, which knows what of it was read: what was not is named in the report."""

    def __init__(self, given: Mapping[str, Json], where: str = "") -> None:
        super().__init__(given)
        self.where = where
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> Json:
        self.read.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Json = None) -> Json:  # type: ignore[override]  # `dict.get` is overloaded
        self.read.add(name)
        return super().get(name, default)

    def unread(self) -> Iterator[tuple[str, Json]]:
        """Fields with a value that nothing has asked for."""
        for name, value in self.items():
            if name not in self.read and value not in (None, "", [], {}):
                yield name, value


class Transforms:
    """Names of the transforms applied to one record, each counted over the import; and the objects read of it."""

    def __init__(self, options: Options | None = None, control_tokens: ControlTokens = FAMILIES) -> None:
        self.options = options or Options()
        self.control_tokens = control_tokens
        self.names: list[str] = []
        self._opened: list[Fields] = []

    def note(self, name: str) -> None:
        if name not in self.names:
            self.names.append(name)

    def opened(self, given: Mapping[str, Json], where: str = "") -> Fields:
        """`given` for reading. `where` is how the report names it: empty for the record itself."""
        fields = Fields(given, where)
        self._opened.append(fields)
        return fields

    def unused(self) -> list[str]:
        """The fields that nothing has read, as `messages.name`.

        Raises:
            Rejected: one of them changes what the record says.
        """
        names: dict[str, None] = {}
        for fields in self._opened:
            for name, value in fields.unread():
                path = f"{fields.where}.{name}" if fields.where else name
                if name in TELLING or (name == "weight" and value in (0, "0", "0.0")):
                    raise Rejected(
                        f"The field {path!r} changes what the record says, and this format has no use for it."
                    )
                if name not in ID_KEYS:
                    names[path] = None
        return list(names)


class Importer(Protocol):
    """One source format. A file of this folder holds one, under the name IMPORTER."""

    @property
    def about(self) -> str:
        """A line on what the records look like."""

    @property
    def version(self) -> int:
        """Counted up when its transforms change; stored beside what it made."""

    @property
    def keys(self) -> frozenset[str]:
        """The fields of a record that it understands. A test holds `parse` to it. Others are named in the report, or
        the record is refused where one is in TELLING."""

    def matches(self, record: Json) -> bool:
        """Whether the record looks like one of this format, for detection."""

    def parse(self, record: Json, kind: str, transforms: Transforms) -> list[Item]:
        """The items of one record. `kind` is one of KINDS, or "" for what the record naturally is.

        Raises:
            Rejected: with the reason.
        """


@runtime_checkable
class Grouping(Protocol):
    """What an importer is beside, whose records are made of several records of the file."""

    def grouped(self, records: Iterable[tuple[int, Json]]) -> Iterator[tuple[Sequence[int], Json]]:
        """Out of (line, record): the lines that belong together, and the record that they make."""


IMPORTERS: Folder[Importer] = Folder("labeling.importers", "IMPORTER")
