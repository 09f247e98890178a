"""Dialogues. Writes: `labeling/dialogues.py` and `labeling/corrections.py`."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from labeling.models.guidelines import GuidelineVersion
from labeling.models.projects import Project
from labeling.models.prompts import Prompt
from labeling.models.red_team import RED_TEAM, RedTeamRule
from labeling.models.roles import REVIEWERS
from labeling.models.rounds import Round

if TYPE_CHECKING:
    from accounts.models import User


class DialogueQuerySet(models.QuerySet["Dialogue"]):
    def visible_to(self, user: User) -> DialogueQuerySet:
        """A trainer's own dialogues, and those of projects that they review or manage."""
        if user.is_superuser:
            return self
        return self.filter(
            Q(author=user)
            | Q(
                project__memberships__user=user,
                project__memberships__ended_at__isnull=True,
                project__memberships__role__in=REVIEWERS,
            )
        ).distinct()

    def drafts(self) -> DialogueQuerySet:
        return self.filter(state=Dialogue.State.DRAFT)

    def submitted(self) -> DialogueQuerySet:
        return self.filter(state__in=Dialogue.HANDED_IN)


class Dialogue(models.Model):
    """A conversation: written by a trainer, held with a model, or imported."""

    class Kind(models.TextChoices):
        DEMONSTRATION = "demonstration", _("Demonstration")
        CHAT = "chat", _("Chat")
        IMPORTED = "imported", _("Imported")

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")  # being written; every turn can change
        SUBMITTED = "submitted", _("Submitted")  # immutable; undo for some minutes
        ACCEPTED = "accepted", _("Accepted")  # reviewed and kept
        RETURNED = "returned", _("Returned")  # sent back; a new version supersedes it
        DISCARDED = "discarded", _("Discarded")  # given up, or taken back: its copy is the next draft

    HANDED_IN = (State.SUBMITTED, State.ACCEPTED)  # finished by its author and in force

    TRANSITIONS = {
        State.DRAFT: frozenset({State.SUBMITTED, State.DISCARDED}),
        State.SUBMITTED: frozenset({State.ACCEPTED, State.RETURNED, State.DISCARDED}),
        State.ACCEPTED: frozenset({State.RETURNED}),
        State.RETURNED: frozenset({State.DISCARDED}),
        State.DISCARDED: frozenset(),
    }
    REOPENED = {  # where a review is taken back
        State.ACCEPTED: frozenset({State.SUBMITTED}),
        State.RETURNED: frozenset({State.SUBMITTED}),
    }

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="dialogues")
    round = models.ForeignKey(Round, null=True, blank=True, on_delete=models.PROTECT, related_name="dialogues")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="dialogues"
    )
    kind = models.CharField(max_length=15, choices=Kind.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    guideline_version = models.ForeignKey(
        GuidelineVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    policy_draw = models.JSONField(null=True, blank=True, help_text="How it was drawn: seed and weights.")
    model_version = models.ForeignKey(
        "sampler.ModelVersion",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="The policy that answers in a chat; drawn by the round's weights.",
    )
    system_turn = models.JSONField(
        null=True,
        blank=True,
        help_text="Of a demonstration: what the models of its round read, its text and whether it is merged.",
    )
    prompt = models.ForeignKey(Prompt, null=True, blank=True, on_delete=models.SET_NULL, related_name="dialogues")
    given_turns = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="Of a demonstration: its first turns, which were given and do not change."
    )
    source = models.CharField(max_length=120, blank=True, help_text="Where an imported dialogue came from.")
    source_row = models.JSONField(null=True, blank=True, help_text="The raw row and the transforms applied to it.")
    content_hash = models.CharField(max_length=64, blank=True, help_text="Makes imports idempotent.")
    prompt_key = models.CharField(
        max_length=64, blank=True, db_index=True, help_text="SHA-256 of the normalised first user turn."
    )
    split = models.CharField(max_length=5, blank=True, help_text="train or test; never changes once set.")
    pending_request = models.ForeignKey(
        "sampler.SampleRequest",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="The chat reply now being written; becomes a turn by the trainer's next action.",
    )
    composer = models.JSONField(
        default=dict, blank=True, help_text="Unsent text and where it stands: role, text, suggestion used."
    )
    version = models.PositiveIntegerField(default=0, help_text="Counts every change; two tabs never overwrite.")
    supersedes = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="superseded_by"
    )
    answer_to = models.ForeignKey(
        "labeling.Comparison",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        db_index=False,
        related_name="ideal_answers",
        help_text="The comparison whose prompt it opens with, of an ideal answer; a withdrawal follows it.",
    )
    rule = models.ForeignKey(
        RedTeamRule,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        db_index=False,
        related_name="dialogues",
        help_text="Of a red-team chat: what its trainer tries to make the model break.",
    )
    withdrawn_at = models.DateTimeField(null=True, blank=True, help_text="When the text that it rests on was emptied.")
    seconds = models.PositiveIntegerField(default=0, help_text="Time that its author was active.")
    created_at = models.DateTimeField(auto_now_add=True)
    saved_at = models.DateTimeField(auto_now=True)
    submitted_at = models.DateTimeField(null=True, blank=True)
    undone_at = models.DateTimeField(null=True, blank=True, help_text="When its submission was taken back.")

    objects = DialogueQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                name="dialogue_submitted_has_time",
                condition=Q(state__in=["draft", "discarded"]) | Q(submitted_at__isnull=False),
            ),
            models.CheckConstraint(
                name="dialogue_written_has_author", condition=Q(kind="imported") | Q(author__isnull=False)
            ),
            models.UniqueConstraint(
                fields=["project", "content_hash"], condition=~Q(content_hash=""), name="import_once_per_project"
            ),
        ]
        indexes = [
            models.Index(fields=["project", "state", "kind"], name="dialogue_by_state"),
            models.Index(fields=["author", "state"], name="dialogue_by_author"),
            models.Index(fields=["answer_to"], name="dialogue_answers", condition=Q(answer_to__isnull=False)),
            models.Index(
                fields=["project"],
                name="dialogue_to_empty",
                condition=Q(state="discarded", submitted_at__isnull=True, withdrawn_at__isnull=True),
            ),
            models.Index(fields=["rule"], name="dialogue_by_rule", condition=Q(rule__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {str(self.id)[:8]}"

    @property
    def work(self) -> str:
        """The kind of work that it is, by the name of its task type."""
        return RED_TEAM if self.rule_id else self.kind

    @property
    def kind_title(self) -> str:
        """The same in words."""
        return gettext("Red-team chat") if self.rule_id else str(self.get_kind_display())

    @property
    def kind_within(self) -> str:
        """The same within a sentence, where German keeps the capital of a noun."""
        return kind_within(self.kind, under_a_rule=self.rule_id is not None)


def kind_within(kind: str, *, under_a_rule: bool) -> str:
    """`Dialogue.kind_within` of a row that was read without its model."""
    return gettext("red-team chat") if under_a_rule else gettext(str(kind))


class SuggestionRequest(models.Model):
    """A sample request made for the author of a demonstration; its texts may be named in that dialogue's turns only.
    A trigger refuses a turn that names one of another project, whoever writes it."""

    dialogue = models.ForeignKey(Dialogue, on_delete=models.CASCADE, related_name="suggestion_requests")
    request = models.OneToOneField("sampler.SampleRequest", on_delete=models.CASCADE, related_name="+")
    policy_draw = models.JSONField(
        null=True, blank=True, help_text="The draw that fell on its model version: seed, weights, and what was drawn."
    )

    def __str__(self) -> str:
        return f"{self.dialogue_id} <- {self.request_id}"


class ReplyRequest(models.Model):
    """A sample request for the next turn of a chat, whether its text was kept or not: what was asked holds the chat."""

    dialogue = models.ForeignKey(Dialogue, on_delete=models.CASCADE, related_name="reply_requests")
    request = models.OneToOneField("sampler.SampleRequest", on_delete=models.CASCADE, related_name="+")

    def __str__(self) -> str:
        return f"{self.dialogue_id} <- {self.request_id}"
