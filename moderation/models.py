"""Verdicts of content filters on texts, and what people say of them. Writes: `moderation/verdicts.py`."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q


def unit() -> list[MinValueValidator | MaxValueValidator]:
    return [MinValueValidator(0.0), MaxValueValidator(1.0)]


class Threshold(models.Model):
    """From which score on a category warns, and from which it blocks, in a project; versioned by its rows:
    the newest counts, older ones say what was in force when a verdict was given."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey("labeling.Project", on_delete=models.CASCADE, related_name="thresholds")
    filter = models.CharField(max_length=40)
    category = models.CharField(max_length=60)
    warn_at = models.FloatField(default=0.5, validators=unit())
    block_at = models.FloatField(null=True, blank=True, validators=unit(), help_text="Empty: never blocks, only warns.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["project", "filter", "category", "-created_at"]
        constraints = [
            models.CheckConstraint(
                name="threshold_blocks_above_warning",
                condition=Q(block_at__isnull=True) | Q(block_at__gte=F("warn_at")),
            )
        ]

    def __str__(self) -> str:
        return f"{self.filter}: {self.category}"


class Verdict(models.Model):
    """What a filter said of one text. Every text that it saw has one, also where it found nothing."""

    class Target(models.TextChoices):
        PROMPT = "prompt", "Prompt"
        TURN = "turn", "Turn"
        COMPLETION = "completion", "Completion"

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
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["target_id", "project", "filter", "filter_version"], name="one_verdict_per_text_and_filter"
            )
        ]
        indexes = [models.Index(fields=["project", "action", "-created_at"], name="verdict_by_action")]

    def __str__(self) -> str:
        return f"{self.get_action_display()}: {self.category or 'nothing found'}"


class VerdictFeedback(models.Model):
    """A person's word on a verdict: right, or a false alarm, or harm that it missed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    verdict = models.ForeignKey(Verdict, on_delete=models.CASCADE, related_name="feedback")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    harmful = models.BooleanField(help_text="Whether the text is harmful, whatever the filter said.")
    category = models.CharField(max_length=60, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [models.UniqueConstraint(fields=["verdict", "user"], name="one_word_per_verdict_and_person")]

    def __str__(self) -> str:
        return "harmful" if self.harmful else "harmless"
