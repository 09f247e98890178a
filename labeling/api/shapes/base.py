"""What several shapes are made of."""

from __future__ import annotations

from rest_framework import serializers

from common.api import Shape
from labeling.text import MAX_CHARACTERS

BIGGEST = 2_147_483_647  # of PostgreSQL's integer


class Text(serializers.CharField):
    """Text as it is, blanks at its ends included; required where there is no `default`."""

    def __init__(self, *, default: str | None = None, allow_blank: bool = False) -> None:
        super().__init__(allow_blank=allow_blank, trim_whitespace=False, max_length=MAX_CHARACTERS)
        if default is not None:
            self.default, self.required = default, False


class Message(Shape):
    role = serializers.ChoiceField(["system", "user", "assistant"])
    content = Text()


class CompletionOut(Shape):
    id = serializers.UUIDField()
    text = serializers.CharField()
