"""What a configuration is, and what all have in common: columns, and how texts, people and models go out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import NoneType
from typing import Protocol, TypeAlias, TypeVar, get_args, get_origin, get_type_hints, is_typeddict

from common.plugins import Folder
from common.shapes import Message
from exports.options import FORMATS as PACKAGE
from exports.options import Options
from exports.selection.privacy import Redactor
from exports.sources.base import Record, Source
from exports.writing.files import Row, RowFile, SplitFile, Stored

Kind: TypeAlias = "str | list[Kind] | dict[str, Kind]"
"""A type as loaders name it (string, int64, float64, bool), a list of one, or an object."""
Columns: TypeAlias = dict[str, Kind]

ONE = "1"
A_PAIR = "c.k * (c.k - 1) / 2"

_TYPES: dict[object, str] = {str: "string", int: "int64", float: "float64", bool: "bool"}


def columns_of(row: type) -> Columns:
    """The columns of a TypedDict, in the order written."""
    return {name: _kind(hint) for name, hint in get_type_hints(row).items()}


def _kind(hint: object) -> Kind:
    if isinstance(hint, type) and is_typeddict(hint):
        return columns_of(hint)
    inner = [argument for argument in get_args(hint) if argument is not NoneType]
    if get_origin(hint) is list:
        return [_kind(inner[0])]
    return _kind(inner[0]) if inner else _TYPES[hint]


@dataclass
class Context:
    """What a configuration needs beside the record. `excluded` and `counts` are the manifest's."""

    cutoff: str
    language: str
    name: Callable[[int | None], str | None]  # a person's pseudonym
    models: Mapping[str, str] = field(default_factory=dict)  # id of a model version to slug
    hashes: Mapping[str, str] = field(default_factory=dict)  # id of a model version to weights hash
    guidelines: Mapping[str, int] = field(default_factory=dict)
    rounds: Mapping[str, int] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    excluded: Counter[str] = field(default_factory=Counter)  # of the configuration now writing
    redact: Redactor | None = None
    include_truncated: bool = False
    include_reasoning: bool = False

    def model(self, version: str | None, label: str | None, weights_hash: str | None) -> str | None:
        """`slug@weights-hash` of a model version of ours, the label of a text brought, or null."""
        if version is None:
            return label or None
        weights_hash = weights_hash or self.hashes.get(version) or "unknown"
        return f"{self.models.get(version, version)}@{weights_hash[:12]}"

    def text(self, content: str) -> str:
        """A text as it goes out: LF line ends; redacted where asked."""
        if "\r" in content:
            content = content.replace("\r\n", "\n").replace("\r", "\n")
        return self.redact(content) if self.redact else content

    def answer(self, content: str) -> list[Message]:
        """An answer: outer whitespace is stripped, since templates keep it and a model would learn it."""
        return [{"role": "assistant", "content": self.text(content).strip()}]

    def messages(self, given: Sequence[Message]) -> list[Message]:
        return [{"role": m["role"], "content": self.text(m["content"])} for m in given]


class Output(Protocol):
    """Something with a sub-folder of its own: a configuration or a rendering."""

    about: str  # a sentence for the card
    columns: Columns | None  # in the order written; None where the card declares nothing
    rows_a_record: str = ONE  # SQL over the source's `counted`: how many rows a record makes at most

    def open(self, folder: Path, name: str, split: str, options: Options) -> RowFile:
        """The file of one split: JSON Lines, where nothing else is said."""
        return SplitFile(folder, name, split, shards=options.shards, compress=options.compress)

    def beside(self, folder: Path, name: str, files: Sequence[Stored]) -> list[Stored]:
        """Writes what a reader wants beside the rows' files."""
        return []


R = TypeVar("R", bound=Record)
Row_co = TypeVar("Row_co", bound=Row, covariant=True)


class Format(Output, Protocol[R, Row_co]):
    """A configuration."""

    source: Source[R]

    def rows(self, record: R, context: Context) -> Iterator[Row_co]:
        """Rows of exactly the columns, each with its own `id`."""
        ...

    def ids(self, record: R) -> Iterable[str]:
        """The ids of all rows that may ever have been made of the record: what a tombstone takes back."""
        return (record.id,)


FORMATS = Folder[Format[Record, Row]](PACKAGE, "FORMAT")
"""Each is a format of the records of its own source: who reads them from `format.source` pairs them rightly."""
