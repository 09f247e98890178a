"""Thresholds, the filters of a project, verdicts on texts, people's words on them. Writes: `screening/rules.py`,
`screening/verdicts.py`; of people's words `moderation/marks.py`.

Their tables and admin pages bear the name of `moderation`, which had them before its lower half became this room.
"""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q


def unit() -> list[MinValueValidator | MaxValueValidator]:
    return [MinValueValidator(0.0), MaxValueValidator(1.0)]


def default_filters() -> list[str]:
    return ["patterns"]


class Threshold(models.Model):
    """From which score on a category warns, and from which it blocks, in a project; versioned by its rows:
    the newest counts, older ones say what was in force when a verdict was given."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey("labeling.Project", on_delete=models.CASCADE, related_name="thresholds")
    filter = models.CharField(max_length=40)
    category = models.CharField(max_length=60)
    warn_at = models.FloatField(
        null=True, blank=True, default=0.5, validators=unit(), help_text="Empty: never warns; both empty: off."
    )
    block_at = models.FloatField(null=True, blank=True, validators=unit(), help_text="Empty: never blocks, only warns.")
    created_at = models.DateTimeField(auto_now_add=True)
    applied_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When the verdicts on record were judged anew under it."
    )

    class Meta:
        app_label = "moderation"
        ordering = ["project", "filter", "category", "-created_at"]
        constraints = [
            models.CheckConstraint(
                name="threshold_blocks_above_warning",
                condition=Q(block_at__isnull=True) | Q(block_at__gte=F("warn_at")),
            )
        ]

    def __str__(self) -> str:
        return f"{self.filter}: {self.category}"


class ProjectFilters(models.Model):
    """Which filters a project asks, and what it does while one is down; versioned by its rows, the newest counts.
    A project without a row asks `patterns`."""

    class WhenDown(models.TextChoices):
        WAIT = "wait", "Texts wait until it is back"
        GO_ON = "go on", "Texts go on without its verdict, which is recorded"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey("labeling.Project", on_delete=models.CASCADE, related_name="filters")
    filters = models.JSONField(default=default_filters, blank=True, help_text="Names of filters, as a JSON list.")
    when_down = models.CharField(
        max_length=6, choices=WhenDown.choices, default=WhenDown.WAIT, help_text="Counts where a category blocks."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "moderation"
        ordering = ["project", "-created_at"]
        verbose_name_plural = "project filters"

    def __str__(self) -> str:
        return ", ".join(self.filters) or "none"


class Verdict(models.Model):
    """What a filter said of one text. Every text that it saw has one, also where it found nothing."""

    class Target(models.TextChoices):
        PROMPT = "prompt", "Prompt"
        TURN = "turn", "Turn"
        COMPLETION = "completion", "Completion"
        MESSAGE = "message", "Message that was not sent"

    class Action(models.TextChoices):
        NONE = "none", "Let through"
        WARN = "warn", "Warned"
        BLOCK = "block", "Blocked"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey("labeling.Project", on_delete=models.CASCADE, related_name="verdicts")
    target = models.CharField(max_length=10, choices=Target.choices)
    target_id = models.UUIDField()
    filter = models.CharField(max_length=40)
    filter_version = models.CharField(max_length=40)
    scores = models.JSONField(default=dict)
    category = models.CharField(max_length=60, blank=True, help_text="The category that decided; empty: none did.")
    action = models.CharField(max_length=5, choices=Action.choices)
    harms = ArrayField(
        models.CharField(max_length=60),
        default=list,
        db_default=[],
        blank=True,
        help_text="Every category that warns or blocks, in alphabetical order.",
    )
    failed = models.CharField(
        max_length=200, blank=True, db_default="", help_text="Why there is no score: the filter was down, and the "
        "project says to go on."
    )  # fmt: skip
    text = models.TextField(blank=True, db_default="", help_text="Of a blocked message, which stands nowhere else.")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+",
        db_index=False, help_text="Of a blocked message.",
    )  # fmt: skip
    created_at = models.DateTimeField(auto_now_add=True)
    rejudged_at = models.DateTimeField(
        null=True, blank=True, help_text="When new thresholds last changed what follows from the scores."
    )
    earlier = models.JSONField(
        default=list, db_default=[], blank=True, help_text="What followed from the scores before new thresholds: "
        '[{"action", "category", "until"}, …], oldest first.'
    )  # fmt: skip

    class Meta:
        app_label = "moderation"
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["target_id", "project", "filter", "filter_version"], name="one_verdict_per_text_and_filter"
            )
        ]
        indexes = [
            models.Index(fields=["project", "action", "-created_at"], name="verdict_by_action"),
            models.Index(fields=["project"], name="verdict_of_harm", condition=~models.Q(harms=[])),
            models.Index(fields=["author"], name="verdict_on_messages", condition=models.Q(author__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.get_action_display()}: {self.category or 'nothing found'}"


class FeedbackQuerySet(models.QuerySet["VerdictFeedback"]):
    def standing(self) -> FeedbackQuerySet:
        """Without those that were taken back."""
        return self.filter(harmful__isnull=False)


class VerdictFeedback(models.Model):
    """A person's word on a verdict: right, or a false alarm, or harm that it missed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    verdict = models.ForeignKey(Verdict, on_delete=models.CASCADE, related_name="feedback")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    harmful = models.BooleanField(
        null=True, blank=True, help_text="Whether the text is harmful, whatever the filter said; empty: taken back."
    )
    category = models.CharField(max_length=60, blank=True)
    comment = models.TextField(blank=True, db_default="")
    earlier = models.JSONField(
        default=list, db_default=[], blank=True, help_text="Words that this one replaced: "
        '[{"harmful", "category", "comment", "until"}, …], oldest first.'
    )  # fmt: skip
    created_at = models.DateTimeField(auto_now_add=True)

    objects = FeedbackQuerySet.as_manager()

    class Meta:
        app_label = "moderation"
        ordering = ["-created_at"]
        constraints = [models.UniqueConstraint(fields=["verdict", "user"], name="one_word_per_verdict_and_person")]

    def __str__(self) -> str:
        return "harmful" if self.harmful else "harmless" if self.harmful is False else "taken back"

    @property
    def decision(self) -> MarkDecision | None:
        """A reviewer's last one on what the mark says now."""
        found = [one for one in self.decisions.all() if one.harmful is self.harmful]
        return max(found, key=lambda one: one.created_at, default=None)


class MarkDecision(models.Model):
    """A reviewer's decision on a mark; the last one on what it says counts."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    mark = models.ForeignKey(VerdictFeedback, on_delete=models.CASCADE, related_name="decisions")
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    harmful = models.BooleanField(help_text="What the mark said when it was decided.")
    confirmed = models.BooleanField(help_text="Whether it is right.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "moderation"
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return "confirmed" if self.confirmed else "not confirmed"
