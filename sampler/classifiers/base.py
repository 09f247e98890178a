"""What a classifier is: texts in, scores out. Imports no torch and no model of ours.

A classifier is a file of this folder with `KIND` ("reward", or "filter" for content filters) and
`load(location, revision="") -> Classifier`. The text that is judged is the last message of a
conversation; what stands before it is its context. Who asks, and where scores are stored, is no
business of a classifier.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

Message = dict[str, str]
Conversation = Sequence[Message]

KINDS = ("reward", "filter")


class CannotLoad(Exception):
    """The model cannot be loaded; the message says why, to the operator."""


class Classifier(Protocol):
    labels: tuple[str, ...]  # what the numbers of one text are, in their order
    weights_hash: str  # of the checkpoint; empty where there are no weights

    def scores(self, conversations: Sequence[Conversation]) -> list[tuple[float, ...]]:
        """One tuple a conversation, in the order given, a finite number for each label.

        The score of a text does not depend on which others stand beside it.
        """

    def close(self) -> None: ...
