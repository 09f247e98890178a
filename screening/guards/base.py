"""How one kind of guard model is asked, and how its answer is read. Who asks it: `filters/guard.py`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from common.plugins import Folder
from common.shapes import JsonObject
from screening.windows import Scores


class Unreadable(Exception):
    """The answer is not in the model's form: nothing is known of the text."""


@dataclass(frozen=True)
class Question:
    """One question about a text; all of a kind's questions are asked about each."""

    category: str  # that it is about; empty: the answer says
    template: JsonObject = field(default_factory=dict)  # arguments of the model's chat template


class Guard(Protocol):
    """A file of this folder holds one, under the name GUARD."""

    @property
    def version(self) -> str:
        """Another one when answers are read differently, or the questions are others."""

    @property
    def categories(self) -> Mapping[str, float]:
        """As a filter's."""

    @property
    def questions(self) -> Sequence[Question]: ...

    @property
    def words(self) -> tuple[str, str]:
        """(harmful, harmless): the words that decide; their probabilities, where told, are the score."""

    @property
    def max_tokens(self) -> int:
        """Of an answer."""

    def read(self, question: Question, answer: str) -> tuple[str, ...]:
        """The categories for which the text is harmful.

        Raises:
            Unreadable: the answer is not in the model's form.
        """


GUARDS: Folder[Guard] = Folder("screening.guards", "GUARD")
# What would end the text in the prompts of these models, were it taken for their own tokens.
_TOKENS = re.compile(r"<(?=[|/]|(?:start|end)_of|BEGIN|END|s>|think|score|bos|eos)", re.IGNORECASE)


def quoted(text: str) -> str:
    """The text, in which nothing is a token of a guard model: a text must not write its own verdict."""
    return _TOKENS.sub("< ", text)


def graded(harmful: bool, probability: float | None) -> float:
    """The score of a verdict; its word decides on which side of a half it is."""
    if probability is None:
        return float(harmful)
    return max(probability, 0.5) if harmful else min(probability, 0.49)


def scores(guard: Guard, question: Question, answer: str, probability: float | None) -> Scores:
    """What one answer comes to.

    Raises:
        Unreadable: it is not in the model's form.
    """
    harmful = guard.read(question, answer)
    if question.category:
        return {question.category: graded(bool(harmful), probability)}
    return {category: graded(True, probability) for category in harmful}
