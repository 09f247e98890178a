"""The door for control tokens: texts that come in by the API, the pages and the admin site are refused with the token's
name. Imports look for them record by record in `labeling/imports/parsing.py`; what a model says is kept as it said it,
and left out of comparisons and exports."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from common.control_tokens import refusal
from common.shapes import Message
from labeling.errors import Invalid
from sampler.control_tokens import known


def refuse_in(text: str, *, field: str = "text", what: str = "The text") -> None:
    """Raises Invalid where the text holds one."""
    refuse_in_any([(field, what, text)])


def refuse_in_messages(messages: Sequence[Message], *, field: str) -> None:
    """Raises Invalid where a message holds one, with its place."""
    refuse_in_any(
        (f"{field}.{place}.content", f"Message {place + 1}", message["content"])
        for place, message in enumerate(messages)
    )


def refuse_in_any(texts: Iterable[tuple[str, str, str]]) -> None:
    """As `refuse_in` for many (field, what it is, text), in one query."""
    tokens = known()
    for field, what, text in texts:
        if token := tokens.first(text):
            raise Invalid(refusal(token, what), field=field)
