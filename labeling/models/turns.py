"""The turns of dialogues, feedback on them, and random draws over them.

Writes: `labeling/dialogues.py` and `labeling/random_turn.py`.
"""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.db.models import Q
from django.db.models.functions import Left
from django.utils.translation import gettext_lazy as _

from labeling.models.dialogues import Dialogue

# The words of a turn, as the search finds it; very long texts by their beginning, since a vector has its limit.
WORDS = SearchVector(Left("text", 20_000), config="simple")


class Turn(models.Model):
    """One utterance. `text` is what was kept; `completion` the model text it came from, if any, so
    that verbatim / edited / own and the edit ratio are derived, never stored twice."""

    class Role(models.TextChoices):
        SYSTEM = "system", _("System")
        USER = "user", _("User")
        ASSISTANT = "assistant", _("Assistant")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    dialogue = models.ForeignKey(Dialogue, on_delete=models.CASCADE, related_name="turns")
    position = models.PositiveIntegerField()
    role = models.CharField(max_length=10, choices=Role.choices)
    text = models.TextField()
    completion = models.ForeignKey(
        "sampler.Completion",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="The model's text that this turn is or began as.",
    )
    suggestions_shown = models.JSONField(default=list, blank=True, help_text="Ids of completions, in order shown.")
    seconds = models.PositiveIntegerField(default=0)
    pasted_chars = models.PositiveIntegerField(default=0)
    is_example = models.BooleanField(
        default=True, db_default=True, help_text="False for an answer that nobody should learn to give: context only."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    edited_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["dialogue", "position"]
        constraints = [
            models.UniqueConstraint(
                fields=["dialogue", "position"], name="turn_position_once", deferrable=models.Deferrable.DEFERRED
            ),
            models.CheckConstraint(name="turn_system_is_first", condition=~Q(role="system") | Q(position=0)),
        ]
        indexes = [GinIndex(WORDS, name="turn_words")]

    def __str__(self) -> str:
        return f"{self.role}: {self.text[:60]}"


class TurnFeedback(models.Model):
    """Thumbs on a model-written turn, by its trainer, a guest or a reviewer; or imported with it, of nobody here."""

    class Kind(models.TextChoices):
        GIVEN = "given", _("Given")
        IMPORTED = "imported", _("Imported")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    turn = models.ForeignKey(Turn, on_delete=models.CASCADE, related_name="feedback")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.GIVEN)
    thumb_up = models.BooleanField(null=True, blank=True, help_text="Empty: taken back, or a problem without a thumb.")
    reasons = models.JSONField(default=list, blank=True)
    comment = models.TextField(blank=True)
    ideal_answer = models.TextField(
        blank=True, default="", db_default="", help_text="What would have been a good answer, in the person's words."
    )
    earlier = models.JSONField(
        default=list, blank=True, help_text='Opinions that this one replaced: [{"thumb_up", "until"}, …], oldest first.'
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-created_at"]
        verbose_name_plural = "turn feedback"
        constraints = [
            models.UniqueConstraint(fields=["turn", "user"], name="feedback_once_per_turn_and_user"),
            models.CheckConstraint(
                name="feedback_given_has_user", condition=Q(kind="imported") | Q(user__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return "up" if self.thumb_up else "none" if self.thumb_up is None else "down"


class TurnDraw(models.Model):
    """One random draw over a submitted chat's eligible turns: seed and turns kept, so that it can
    be replayed and tested for uniformity."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    dialogue = models.ForeignKey(Dialogue, on_delete=models.CASCADE, related_name="draws")
    submitted_at = models.DateTimeField(help_text="The submission that it belongs to.")
    policy = models.CharField(max_length=10)
    seed = models.BigIntegerField()
    eligible = models.JSONField(help_text="Ids of the eligible turns, in order.")
    drawn = models.JSONField(help_text="Ids of the drawn turns, in order of drawing.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [models.UniqueConstraint(fields=["dialogue", "submitted_at"], name="one_draw_per_submission")]

    def __str__(self) -> str:
        return f"{len(self.drawn)} of {len(self.eligible)}"
