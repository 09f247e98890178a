"""Shapes of projects, rounds, prompts, members and invitations."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from common.api import Shape
from labeling.api.shapes.base import Message
from labeling.goals import MOST
from labeling.models import Membership, Project


class ProjectOut(serializers.ModelSerializer[Any]):  # given a dict: the role depends on who asks
    role = serializers.CharField(allow_null=True, help_text="Yours; null for an operator who is not a member.")
    guidelines = serializers.CharField(help_text="Markdown.")
    guideline_version = serializers.IntegerField(allow_null=True)

    class Meta:
        model = Project
        fields = ["slug", "title", "description", "language", "task_types", "role", "guidelines", "guideline_version"]


class Progress(Shape):
    round = serializers.IntegerField(allow_null=True)
    comparisons = serializers.DictField(child=serializers.IntegerField(), help_text="Number by state.")
    votes_wanted = serializers.IntegerField(help_text="Of open comparisons.")
    votes_given = serializers.IntegerField(help_text="Rankings in force that count as votes.")
    leased = serializers.IntegerField(help_text="Tasks in somebody's hands now.")
    dialogues = serializers.DictField(
        child=serializers.DictField(child=serializers.IntegerField()), help_text="Number by kind and state."
    )
    today = serializers.IntegerField(help_text="Votes since midnight, UTC.")


class PolicyIn(Shape):
    model_version = serializers.CharField(max_length=80)
    weight = serializers.FloatField(default=1.0, min_value=0, max_value=1e9)
    params = serializers.DictField(default=dict)


def _goal(about: str) -> serializers.IntegerField:
    return serializers.IntegerField(default=0, min_value=0, max_value=MOST, help_text=about)


class GoalNumbers(Shape):
    """What a round is to bring."""

    goal_rankings = _goal("Rankings that it is to bring; 0: no goal.")
    goal_demonstrations = _goal("Demonstrations that it is to bring; 0: no goal.")
    share_rankings = _goal("What each trainer is to rank, who sees it; 0: none.")
    share_demonstrations = _goal("What each trainer is to write, who sees it; 0: none.")


class RoundIn(GoalNumbers):
    policies = PolicyIn(many=True)
    note = serializers.CharField(max_length=200, default="", allow_blank=True)


class RoundOut(GoalNumbers):
    number = serializers.IntegerField()
    note = serializers.CharField()
    opened_at = serializers.DateTimeField()
    closed_at = serializers.DateTimeField(allow_null=True)


class GoalPart(Shape):
    target = serializers.IntegerField(help_text="0: none.")
    done = serializers.IntegerField()
    left = serializers.IntegerField()
    today = serializers.IntegerField(help_text="Since midnight, UTC.")
    pace = serializers.FloatField(help_text="A day, in the last seven days.")
    ends = serializers.DateField(allow_null=True, help_text="When it is reached at this pace; null: reached or never.")


class TrainerPart(GoalPart):
    user = serializers.CharField()


class GoalOut(Shape):
    kind = serializers.CharField(help_text="rankings or demonstrations.")
    whole = GoalPart()
    trainers = TrainerPart(many=True)


class PromptsIn(Shape):
    prompts = serializers.ListField(child=Message(many=True, allow_empty=False), min_length=1, max_length=1000)
    source: Any = serializers.CharField(max_length=120, default="", allow_blank=True)


class PromptsOut(Shape):
    ids = serializers.ListField(child=serializers.UUIDField())


class MemberIn(Shape):
    role = serializers.ChoiceField(Membership.Role.choices)


class MemberOut(Shape):
    user = serializers.CharField(source="user.username")
    role = serializers.CharField()
    created_at = serializers.DateTimeField()


class InvitationIn(Shape):
    role = serializers.ChoiceField(Membership.Role.choices)
    days = serializers.IntegerField(default=7, min_value=1, max_value=90)


class InvitationOut(Shape):
    id = serializers.UUIDField()
    link = serializers.URLField(help_text="Works once; it cannot be read again.")
    expires_at = serializers.DateTimeField()
