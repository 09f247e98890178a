"""What a write can refuse with. Pages, API and commands turn each into their own answer, once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from common.numbers import grouped

SENT_ALL = gettext_noop(
    "You have sent %(limit)s messages today, as many as this project allows. You can go on at %(when)s."
)


class LabelingError(Exception):
    """Base of the refusals; `str(error)` is a sentence for the person who acted, in the language of their page.

    `values` fill the places of the message, which is written as `%(name)s`; whole numbers as the language writes them.
    """

    def __init__(self, message: str, **values: object) -> None:
        super().__init__(message)
        self.values = values

    def __str__(self) -> str:
        text = gettext(self.args[0]) if self.args[0] else ""
        return text % {name: _in_words(value) for name, value in self.values.items()} if self.values else text


def _in_words(value: object) -> object:
    return grouped(value) if type(value) is int else value


class Invalid(LabelingError, ValueError):
    """What was sent cannot be stored. `field` is where it stands, as `prompt.0.content`; empty: in no one place."""

    def __init__(self, message: str, *, field: str = "", **values: object) -> None:
        super().__init__(message, **values)
        self.field = field


class NotOffered(Invalid):
    """The project's tasks are not for this person."""


@contextmanager
def within(field: str) -> Iterator[None]:
    """What is refused inside stands in this field of what was sent."""
    try:
        yield
    except Invalid as error:
        raise Invalid(str(error), field=f"{field}.{error.field}" if error.field else field) from None


class Blocked(LabelingError):
    """The content filter blocks the text, and the project says that what it blocks is not sent. `verdict` is the id of
    its word, on which whoever wrote the text may say that it is wrong."""

    keeps_writes = True  # the verdict, where the refusal takes back everything else

    def __init__(self, message: str, *, verdict: UUID, **values: object) -> None:
        super().__init__(message, **values)
        self.verdict = verdict

    def __str__(self) -> str:
        """With the category in the language of the page; programs are told the one word that there is for it."""
        return gettext(self.args[0]) % {name: gettext(str(value)) for name, value in self.values.items()}


class Conflict(LabelingError):
    """Someone, perhaps the same person in another tab, was first. `version` is what stands now."""

    def __init__(self, message: str, *, version: int | None = None) -> None:
        super().__init__(message)
        self.version = version


class NeedsConfirmation(LabelingError):
    """A completion was rated higher than one placed above it. `pairs` holds (placed above, rated
    higher) completion ids. Sent again with `confirmed`, it is stored as it stands."""

    def __init__(self, message: str, *, pairs: Sequence[tuple[str, str]]) -> None:
        super().__init__(message)
        self.pairs = list(pairs)


class NotAgreed(LabelingError):
    """Something is to be read and agreed to first: `what` (as in `labeling/agreements.py`) in the version `version`."""

    def __init__(self, message: str, *, what: str, version: int) -> None:
        super().__init__(message)
        self.what, self.version = what, version


class OverQuota(LabelingError):
    """A guest has sent as many messages as the project allows on a day; it opens again at `opens_at`."""

    def __init__(self, message: str = SENT_ALL, *, opens_at: datetime, **values: object) -> None:
        local = timezone.localtime(opens_at)
        super().__init__(message, when=f"{local:%H:%M} {local.tzname()}", **values)
        self.opens_at = opens_at


class Gone(LabelingError):
    """Not open to this person any more: skipped, ended, or the time to undo is over."""
