"""Shapes of comparisons: brought with their completions, and read with their rankings."""

from __future__ import annotations

from typing import Any, TypedDict

from rest_framework import serializers

from common import shapes as common_shapes
from common.api import Shape
from labeling.api.shapes.base import CompletionOut, Message, Text
from labeling.api.shapes.ranking import RankingOut
from labeling.models import Comparison


class BroughtCompletion(Shape):
    text = Text()
    model_version = serializers.CharField(
        max_length=200, default="", allow_blank=True, help_text="A slug of one of ours, or any name."
    )


class Brought(TypedDict):
    """A checked `ComparisonIn`."""

    prompt: list[common_shapes.Message]
    completions: list[dict[str, str | None]]
    votes: int | None
    source: str


class ComparisonIn(Shape[Brought]):
    prompt = Message(many=True, allow_empty=False)
    completions = BroughtCompletion(many=True, allow_empty=False)
    votes = serializers.IntegerField(default=None, allow_null=True, min_value=1, max_value=20)
    source: Any = serializers.CharField(max_length=120, default="", allow_blank=True)


class BroughtComparison(serializers.ModelSerializer[Comparison]):
    votes = serializers.IntegerField(source="votes_wanted")

    class Meta:
        model = Comparison
        fields = ["id", "state", "votes"]


class CompletionDetail(CompletionOut):
    model_version = serializers.CharField()


class VoteOut(RankingOut):
    trainer = serializers.CharField(allow_null=True)


class ComparisonOut(Shape):
    id = serializers.UUIDField()
    state = serializers.CharField()
    kind = serializers.CharField()
    votes = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    prompt = Message(many=True)
    completions = CompletionDetail(many=True)
    rankings = VoteOut(many=True)
    withheld = serializers.BooleanField(help_text="Names of models and rankings, since you may still rank it yourself.")
