"""Rounds and the policies that they sample from. Writes: `labeling/projects.py`."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from labeling.models.projects import Project


class Round(models.Model):
    """One iteration: the policies it samples from, opened and closed. At most one is open."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="rounds")
    number = models.PositiveIntegerField()
    note = models.CharField(max_length=200, blank=True)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    goal_rankings = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Votes that the round is to bring; 0: no goal."
    )
    goal_demonstrations = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Demonstrations that the round is to bring; 0: no goal."
    )
    share_rankings = models.PositiveIntegerField(
        default=0, db_default=0, help_text="What each trainer is to rank in the round; 0: no share."
    )
    share_demonstrations = models.PositiveIntegerField(
        default=0, db_default=0, help_text="What each trainer is to write in the round; 0: no share."
    )

    class Meta:
        ordering = ["project", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="round_number_once"),
            models.UniqueConstraint(
                fields=["project"], condition=Q(closed_at__isnull=True), name="one_open_round_per_project"
            ),
        ]

    def __str__(self) -> str:
        return f"round {self.number}"


class RoundPolicy(models.Model):
    """A model version in a round's mixture, with its weight and its own sampling parameters."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="policies")
    model_version = models.ForeignKey("sampler.ModelVersion", on_delete=models.PROTECT, related_name="+")
    weight = models.FloatField(default=1.0)
    params = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["round", "model_version"]
        verbose_name_plural = "round policies"
        constraints = [
            models.UniqueConstraint(fields=["round", "model_version"], name="policy_once_per_round"),
            models.CheckConstraint(name="policy_weight_positive", condition=Q(weight__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.model_version} × {self.weight:g}"
