"""Shapes of what goes in and comes out. What is allowed beyond the shape is the domain's decision."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from common.api import Shape
from labeling.models import Comparison, Dialogue, Membership, Project
from labeling.text import MAX_CHARACTERS

BIGGEST = 2_147_483_647


class Text(serializers.CharField):
    """Text as it is, blanks at its ends included."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"trim_whitespace": False, "max_length": MAX_CHARACTERS, **options})


class Message(Shape):
    role = serializers.ChoiceField(["system", "user", "assistant"])
    content = Text()


# -- projects ----------------------------------------------------------------------------------------


class ProjectOut(serializers.ModelSerializer[Project]):
    role = serializers.CharField(allow_null=True, help_text="Yours; null for an operator who is no member.")
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


class RoundIn(Shape):
    policies = PolicyIn(many=True)
    note = serializers.CharField(max_length=200, default="", allow_blank=True)


class RoundOut(Shape):
    number = serializers.IntegerField()
    note = serializers.CharField()
    opened_at = serializers.DateTimeField()
    closed_at = serializers.DateTimeField(allow_null=True)


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


# -- ranking -----------------------------------------------------------------------------------------


class TaskIn(Shape):
    task = serializers.ChoiceField(["ranking"], default="ranking")


class CompletionOut(Shape):
    id = serializers.UUIDField()
    text = serializers.CharField()


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
    ideal_answer = Text(default="", allow_blank=True)
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


# -- own completions ---------------------------------------------------------------------------------


class BroughtCompletion(Shape):
    text = Text()
    model_version = serializers.CharField(
        max_length=200, default="", allow_blank=True, help_text="A slug of one of ours, or any name."
    )


class ComparisonIn(Shape):
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


# -- dialogues ---------------------------------------------------------------------------------------


class DialogueIn(Shape):
    kind = serializers.ChoiceField([Dialogue.Kind.CHAT, Dialogue.Kind.DEMONSTRATION])
    prompt = serializers.UUIDField(default=None, allow_null=True, help_text="An opening out of the project's pool.")


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
    reply = ReplyOut(allow_null=True, help_text="The answer that is being written; becomes a turn.")


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
