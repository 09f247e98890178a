"""Model versions that judge comparisons, and what they said. Writes: `labeling/ai_judges/`.

None of it is a person's: a ranking, a vote slot and everything that is counted of people know nothing of these rows.
"""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from labeling.models.comparisons import Comparison
from labeling.models.projects import Project


class AiJudge(models.Model):
    """A model version with a prompt. Neither ever changes: another prompt is another judge."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="ai_judges")
    number = models.PositiveIntegerField(help_text="Counts within the project.")
    model_version = models.ForeignKey("sampler.ModelVersion", on_delete=models.PROTECT, related_name="+")
    prompt = models.TextField(help_text="What it reads, with places for the conversation and the two answers.")
    share = models.FloatField(help_text="Of the project's comparisons, drawn by a hash of their ids.")
    looked_up_to = models.DateTimeField(
        null=True, help_text="Comparisons that opened well before this instant have been looked at."
    )
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True, help_text="Asked no more; what it said stays.")

    class Meta:
        ordering = ["project", "number"]
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="ai_judge_number_once_per_project"),
            models.CheckConstraint(name="ai_judge_share_above_0_to_1", condition=Q(share__gt=0, share__lte=1)),
        ]

    def __str__(self) -> str:
        return f"AI judge {self.number}: {self.model_version.slug}"


class AiJudgement(models.Model):
    """A comparison that a judge was asked about, every two of its completions in both orders."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    judge = models.ForeignKey(AiJudge, on_delete=models.CASCADE, related_name="judgements")
    comparison = models.ForeignKey(Comparison, on_delete=models.CASCADE, related_name="ai_judgements")
    groups = models.JSONField(
        default=list, help_text="Tie groups of completion ids, best first; empty where a pair has no readable verdicts."
    )
    asked_at = models.DateTimeField(auto_now_add=True)
    judged_at = models.DateTimeField(null=True, help_text="When the last of its verdicts was read.")

    class Meta:
        ordering = ["-asked_at"]
        constraints = [
            models.UniqueConstraint(fields=["judge", "comparison"], name="ai_judgement_once_per_comparison"),
        ]
        indexes = [
            models.Index(fields=["judge"], name="ai_judgement_waiting", condition=Q(judged_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"judgement {str(self.id)[:8]}"


class AiVerdict(models.Model):
    """Which of two answers the judge preferred when they stood in this order."""

    class Said(models.TextChoices):
        WAITING = "", "Not read yet"
        FIRST = "first", "The first is better"
        SECOND = "second", "The second is better"
        TIE = "tie", "Equally good"
        UNREADABLE = "unreadable", "Unreadable"  # it did not end as it was told to
        UNANSWERED = "unanswered", "Unanswered"  # the request failed, or was stopped

    judgement = models.ForeignKey(AiJudgement, on_delete=models.CASCADE, related_name="verdicts")
    first = models.ForeignKey("sampler.Completion", on_delete=models.PROTECT, related_name="+")
    second = models.ForeignKey("sampler.Completion", on_delete=models.PROTECT, related_name="+")
    request = models.OneToOneField("sampler.SampleRequest", on_delete=models.CASCADE, related_name="+")
    said = models.CharField(max_length=10, choices=Said.choices, blank=True, default=Said.WAITING)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["judgement", "first", "second"], name="ai_verdict_once_per_order"),
            models.CheckConstraint(name="ai_verdict_of_two_answers", condition=~Q(first=F("second"))),
        ]
        indexes = [models.Index(fields=["request"], name="ai_verdict_waiting", condition=Q(said=""))]

    def __str__(self) -> str:
        return self.said or "waiting"
