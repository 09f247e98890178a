"""Shapes of ranking: leases, rankings, drafts."""

from __future__ import annotations

from rest_framework import serializers

from common.api import Shape
from labeling.api.shapes.base import BIGGEST, CompletionOut, Message, Text


class TaskIn(Shape):
    task = serializers.ChoiceField(["ranking"], default="ranking")


class CriterionOut(Shape):
    name = serializers.CharField()
    steps = serializers.IntegerField(help_text="Graded from 1 to this.")


class SpanShape(Shape):
    start = serializers.IntegerField(
        min_value=0, max_value=BIGGEST, help_text="Code points of the text with LF line ends, from 0."
    )
    end = serializers.IntegerField(min_value=1, max_value=BIGGEST, help_text="Exclusive.")
    category = serializers.CharField(max_length=60)
    comment = serializers.CharField(max_length=2000, default="", allow_blank=True)


class ComparisonTask(Shape):
    id = serializers.UUIDField()
    prompt = Message(many=True)
    completions = CompletionOut(many=True, help_text="In the order drawn for you; models are not named.")


class AssignmentOut(Shape):
    id = serializers.UUIDField()
    state = serializers.CharField()
    expires_at = serializers.DateTimeField()
    guideline_version = serializers.IntegerField(allow_null=True)
    flags = serializers.ListField(child=serializers.CharField())
    criteria = CriterionOut(many=True, required=False, help_text="Graded instead of `ratings`, where the project asks.")
    span_categories = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="Of marks on words, where the project asks for them."
    )
    comparison = ComparisonTask()


class RankingIn(Shape):
    groups = serializers.ListField(
        child=serializers.ListField(child=serializers.CharField(max_length=64), max_length=9),
        default=list,
        max_length=9,
        help_text="Tie groups of completion ids, best first; every id once.",
    )
    ratings = serializers.DictField(
        child=serializers.IntegerField(min_value=1, max_value=7), default=dict, help_text="Completion id to 1-7."
    )
    flags = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField(max_length=200)),
        default=dict,
        help_text="Completion id to names of the project's flags.",
    )
    strengths = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=4),
        default=list,
        max_length=8,
        help_text="Llama 2's levels between neighbouring groups, where the project asks for them.",
    )
    note = Text(default="", allow_blank=True)
    not_rankable = serializers.CharField(
        default="", allow_blank=True, allow_null=True, max_length=200, help_text="Why none can be ranked."
    )
    criteria = serializers.DictField(
        child=serializers.DictField(child=serializers.IntegerField(min_value=1, max_value=7)),
        default=dict,
        help_text="Completion id to grades by the criterion's name.",
    )
    spans = serializers.DictField(
        child=SpanShape(many=True), default=dict, help_text="Completion id to marks on its words."
    )
    ideal_answer = Text(default="", allow_blank=True)
    ideal_from = serializers.CharField(
        max_length=64, default="", allow_blank=True, help_text="The completion that the ideal answer was begun from."
    )
    seconds = serializers.IntegerField(default=None, allow_null=True, min_value=0, max_value=BIGGEST)
    confirmed = serializers.BooleanField(
        default=True,
        help_text="false: an order that contradicts the ratings is a 409 with `pairs`, for a page to ask about.",
    )


class RankingOut(Shape):
    id = serializers.UUIDField()
    kind = serializers.CharField(help_text="vote, or surplus where the lease ran out and the vote was taken.")
    groups = serializers.ListField(child=serializers.ListField(child=serializers.CharField()))
    ratings = serializers.DictField(child=serializers.IntegerField())
    flags = serializers.DictField(child=serializers.ListField(child=serializers.CharField()))
    note = serializers.CharField()
    not_rankable = serializers.CharField()
    submitted_at = serializers.DateTimeField()


class SkipIn(Shape):
    reason = serializers.CharField(max_length=200)


class HeartbeatIn(Shape):
    seconds = serializers.IntegerField(default=0, min_value=0, max_value=600, help_text="Active since the last one.")


class Lease(Shape):
    id = serializers.UUIDField()
    state = serializers.CharField()
    expires_at = serializers.DateTimeField()


class DraftIn(Shape):
    draft = serializers.DictField()
    version = serializers.IntegerField(
        default=None,
        allow_null=True,
        min_value=0,
        max_value=BIGGEST,
        help_text="The version that you read; another tab's save since then is a 409.",
    )
    seconds = serializers.IntegerField(default=0, min_value=0, max_value=600)


class DraftOut(Shape):
    draft = serializers.DictField()
    version = serializers.IntegerField()
