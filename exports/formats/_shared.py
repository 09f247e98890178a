"""What the configurations have in common: the context that they are given, and texts as they go out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from exports.options import Options
from exports.records import Answer, Message
from exports.redaction import Redactor

MESSAGES = [{"role": "name", "content": "string"}]
A_ROW_A_PAIR = "coalesce(sum(c.k * (c.k - 1) / 2), 0)"  # for `EXPECTED`


@dataclass
class Context:
    """What a configuration needs beside the record. `excluded` and `counts` are the manifest's."""

    options: Options
    cutoff: str
    language: str
    name: Callable[[int | None], str | None]
    models: Mapping[str, str] = field(default_factory=dict)  # id of a model version to slug
    hashes: Mapping[str, str] = field(default_factory=dict)  # id of a model version to weights hash
    guidelines: Mapping[str, int] = field(default_factory=dict)
    rounds: Mapping[str, int] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    excluded: Counter[str] = field(default_factory=Counter)  # of the configuration now writing
    redact: Redactor | None = None

    def model(self, version: str | None, label: str | None, weights_hash: str | None) -> str | None:
        """`slug@weights-hash` of a model version of ours, the label of a text brought, or null."""
        if version is None:
            return label or None
        weights_hash = weights_hash or self.hashes.get(version) or "unknown"
        return f"{self.models.get(version, version)}@{weights_hash[:12]}"

    def model_of(self, answer: Answer) -> str | None:
        return self.model(answer.model_version, answer.label, answer.weights_hash)

    def text(self, content: str) -> str:
        """A text as it goes out: LF line ends; redacted where asked."""
        if "\r" in content:
            content = content.replace("\r\n", "\n").replace("\r", "\n")
        return self.redact(content) if self.redact else content

    def answer(self, content: str) -> list[Message]:
        """An answer: outer whitespace is stripped, since templates keep it and a model would learn it."""
        return [{"role": "assistant", "content": self.text(content).strip()}]

    def messages(self, given: list[Message]) -> list[Message]:
        return [{"role": m["role"], "content": self.text(m["content"])} for m in given]
