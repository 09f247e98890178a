"""What a classifier is: texts in, scores out. Imports no torch and no model of ours.

A classifier is a file of this folder with a `CLASSIFIER`, the `Loader` of its kind. The text that is
judged is the last message of a conversation; what stands before it is its context. A classifier does not
know who asks and where scores are stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from common.plugins import Folder
from common.shapes import Message
from generation.checkpoints import CannotLoad as CannotLoad

Conversation = Sequence[Message]

KINDS = ("reward", "filter")


class Classifier(Protocol):
    @property
    def labels(self) -> tuple[str, ...]:
        """What the numbers of one text are, in their order."""

    @property
    def weights_hash(self) -> str:
        """Of the checkpoint; empty where there are no weights."""

    def scores(self, conversations: Sequence[Conversation]) -> list[tuple[float, ...]]:
        """One tuple a conversation, in the order given, a finite number for each label.

        The score of a text does not depend on which others stand beside it.
        """

    def close(self) -> None: ...


class Loader(Protocol):
    """How a classifier gets into this process."""

    @property
    def kind(self) -> str:
        """One of KINDS: a reward model, or a content filter."""

    def load(self, location: str, revision: str = "") -> Classifier:
        """The classifier, ready for texts.

        Raises:
            CannotLoad: with a sentence for the operator.
        """


CLASSIFIERS: Folder[Loader] = Folder("sampler.classifiers", "CLASSIFIER")
