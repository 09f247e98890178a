"""What several shapes are made of."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from common.api import Shape
from labeling.text import MAX_CHARACTERS

BIGGEST = 2_147_483_647  # of PostgreSQL's integer


class Text(serializers.CharField):
    """Text as it is, blanks at its ends included."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"trim_whitespace": False, "max_length": MAX_CHARACTERS, **options})


class Message(Shape):
    role = serializers.ChoiceField(["system", "user", "assistant"])
    content = Text()


class CompletionOut(Shape):
    id = serializers.UUIDField()
    text = serializers.CharField()
