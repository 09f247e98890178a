"""Shapes of dialogues, their turns, feedback and suggestions."""

from __future__ import annotations

from rest_framework import serializers

from common.api import Shape
from labeling.api.shapes.base import BIGGEST, CompletionOut, Text
from labeling.api.shapes.red_team import RuleOut
from labeling.models import RED_TEAM, Dialogue


class DialogueIn(Shape):
    kind = serializers.ChoiceField(
        [Dialogue.Kind.CHAT, Dialogue.Kind.DEMONSTRATION, RED_TEAM],
        help_text="red_team: a chat with the rule whose turn it is; say how it ended at /dialogues/{id}/attempt/.",
    )
    prompt = serializers.UUIDField(default=None, allow_null=True, help_text="An opening out of the project's pool.")
    given = serializers.BooleanField(
        default=False,
        help_text="true: a demonstration with the next free prompt of the pool, whose messages are its first turns.",
    )


class TurnOut(Shape):
    id = serializers.UUIDField()
    role = serializers.CharField()
    text = serializers.CharField()
    by_model = serializers.BooleanField(help_text="Began as a model's text.")


class ReplyOut(Shape):
    state = serializers.CharField(help_text="queued, running, done, failed or cancelled.")
    text = serializers.CharField(help_text="What there is so far.")
    error = serializers.CharField()


class DialogueOut(Shape):
    id = serializers.UUIDField()
    project = serializers.CharField(source="project.slug")
    kind = serializers.CharField()
    state = serializers.CharField()
    version = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    submitted_at = serializers.DateTimeField(allow_null=True)
    turns = TurnOut(many=True)
    rule = RuleOut(allow_null=True, help_text="Of a red-team chat: what the model is to be made to break.")
    reply = ReplyOut(allow_null=True, help_text="The answer that is being written; becomes a turn.")
    messages_left = serializers.IntegerField(
        allow_null=True, help_text="What a guest may still send today; null: no limit."
    )


class DialogueRow(serializers.ModelSerializer[Dialogue]):
    class Meta:
        model = Dialogue
        fields = ["id", "kind", "state", "version", "created_at", "submitted_at"]


class TurnIn(Shape):
    role = serializers.ChoiceField(["system", "user", "assistant"], default="user")
    text = Text()
    completion = serializers.UUIDField(default=None, allow_null=True, help_text="The suggestion that it began as.")
    suggestions_shown = serializers.ListField(child=serializers.UUIDField(), default=list, max_length=100)
    position = serializers.IntegerField(default=None, allow_null=True, min_value=0, max_value=BIGGEST)
    seconds = serializers.IntegerField(default=0, min_value=0, max_value=BIGGEST)
    version = serializers.IntegerField(default=None, allow_null=True, min_value=0, max_value=BIGGEST)


class TurnEdit(Shape):
    text = Text()
    completion = serializers.UUIDField(default=None, allow_null=True)
    seconds = serializers.IntegerField(default=0, min_value=0, max_value=BIGGEST)
    version = serializers.IntegerField(default=None, allow_null=True, min_value=0, max_value=BIGGEST)


class FeedbackIn(Shape):
    thumb_up = serializers.BooleanField()
    reasons = serializers.ListField(child=serializers.CharField(max_length=200), default=list, max_length=30)
    comment = Text(default="", allow_blank=True)


class FeedbackOut(Shape):
    thumb_up = serializers.BooleanField()
    reasons = serializers.ListField(child=serializers.CharField())
    comment = serializers.CharField()


class SuggestionsIn(Shape):
    role = serializers.ChoiceField(["user", "assistant"])
    n = serializers.IntegerField(default=None, allow_null=True, min_value=1, max_value=9)


class SuggestionRequestOut(Shape):
    id = serializers.CharField(help_text="Ask /dialogues/{id}/suggestions/{this}/ until its state is an end.")
    n = serializers.IntegerField()


class SuggestionsOut(Shape):
    state = serializers.CharField(help_text="queued, running, done, failed or cancelled.")
    texts = serializers.ListField(child=serializers.CharField(), help_text="What there is so far.")
    completions = CompletionOut(many=True, help_text="Once done: ids to name in a turn.")
    error = serializers.CharField()
