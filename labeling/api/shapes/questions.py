"""Shapes of questions and answers."""

from __future__ import annotations

from rest_framework import serializers

from common.api import Shape
from labeling.api.shapes.base import Text
from labeling.models import Question


class QuestionIn(Shape):
    text = Text()
    assignment = serializers.UUIDField(default=None, allow_null=True, help_text="One of yours: about its comparison.")
    dialogue = serializers.UUIDField(default=None, allow_null=True, help_text="One that you write, or review.")
    ranking = serializers.UUIDField(default=None, allow_null=True, help_text="One that you review.")


class AnswerIn(Shape):
    text = Text()
    for_everybody = serializers.BooleanField(
        default=False, help_text="Shown to every member: beside the guidelines, or at the same task."
    )
    instead_of = serializers.DateTimeField(
        default=None, allow_null=True, help_text="The `answered_at` of the answer that this one replaces."
    )


class QuestionOut(Shape):
    id = serializers.UUIDField()
    about = serializers.ChoiceField(Question.About.choices)
    guideline_version = serializers.IntegerField(allow_null=True, help_text="In force when it was asked.")
    comparison = serializers.UUIDField(allow_null=True)
    dialogue = serializers.UUIDField(allow_null=True)
    ranking = serializers.UUIDField(allow_null=True)
    yours = serializers.BooleanField(help_text="You asked it.")
    text = serializers.CharField()
    created_at = serializers.DateTimeField()
    answer = serializers.CharField()
    answered_at = serializers.DateTimeField(allow_null=True)
    for_everybody = serializers.BooleanField()
