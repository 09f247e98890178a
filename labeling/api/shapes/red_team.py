"""Shapes of the rules of red-team work and of what is said of a try."""

from __future__ import annotations

from rest_framework import serializers

from common.api import Shape
from labeling.api.shapes.base import BIGGEST, Text
from labeling.models import RedTeamAttempt
from labeling.red_team.attempts import STRATEGIES


class RuleIn(Shape):
    name = serializers.CharField(max_length=80)
    sentence = serializers.CharField(max_length=500, help_text="What the model must not do.")
    category = serializers.CharField(max_length=60, default="", allow_blank=True, help_text="Of the content filter.")
    number = serializers.IntegerField(
        default=None, allow_null=True, min_value=1, max_value=BIGGEST, help_text="Of the rule whose next version it is."
    )
    place = serializers.IntegerField(
        default=None, allow_null=True, min_value=1, max_value=BIGGEST, help_text="In the order, from 1."
    )


class RuleOut(Shape):
    number = serializers.IntegerField()
    version = serializers.IntegerField()
    name = serializers.CharField()
    sentence = serializers.CharField()
    category = serializers.CharField()
    place = serializers.IntegerField()
    created_at = serializers.DateTimeField()


class Attempt(Shape):
    outcome = serializers.ChoiceField(
        RedTeamAttempt.Outcome.values, default="", help_text="broken, held, or empty: not said yet."
    )
    turn = serializers.UUIDField(default=None, allow_null=True, help_text="The reply that broke the rule.")
    strategies = serializers.ListField(child=serializers.ChoiceField(STRATEGIES), default=list, max_length=20)
    how = Text(default="", allow_blank=True)
    severity = serializers.IntegerField(default=None, allow_null=True, min_value=1, max_value=3)
