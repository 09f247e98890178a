"""What insights keep so that a page of a million pairs opens at once: one compact row per ranking, and reports.

Everything here can be thrown away and is made again from `labeling` (`insights/judgements.py`). No texts are kept.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Judgement(models.Model):
    """A ranking in force as numbers. Arrays run over the comparison's completions in storage order, so that
    two votes on one comparison line up."""

    ranking = models.OneToOneField("labeling.Ranking", primary_key=True, on_delete=models.CASCADE, related_name="+")
    project = models.ForeignKey("labeling.Project", on_delete=models.CASCADE, related_name="+")
    round = models.ForeignKey("labeling.Round", null=True, on_delete=models.CASCADE, related_name="+")
    comparison = models.ForeignKey("labeling.Comparison", on_delete=models.CASCADE, related_name="+")
    trainer_id = models.BigIntegerField(null=True)
    kind = models.CharField(max_length=10)
    prompt_key = models.CharField(max_length=64)
    submitted_at = models.DateTimeField()
    seconds = models.IntegerField(null=True)
    sources = ArrayField(models.TextField(), help_text="Model versions, or the names given with provided texts.")
    ranks = ArrayField(models.SmallIntegerField())
    extra = models.BooleanField(
        default=False, db_default=False, help_text="Asked for because the votes before it disagreed."
    )
    places = ArrayField(models.SmallIntegerField(), help_text="Place on the screen, from 0.")
    lengths = ArrayField(models.IntegerField(), help_text="Characters.")
    headers = ArrayField(models.IntegerField())
    lists = ArrayField(models.IntegerField())
    bolds = ArrayField(models.IntegerField())
    grades = ArrayField(models.SmallIntegerField(null=True))
    shared = ArrayField(
        models.TextField(), default=list, help_text="Two model versions with a space between: both wrote one text."
    )

    class Meta:
        indexes = [models.Index(fields=["project", "round"], name="judgement_of_project")]

    def __str__(self) -> str:
        return f"judgement {self.ranking_id}"


class Report(models.Model):
    """The insights of a project, over all rounds or one, as of an instant."""

    project = models.ForeignKey("labeling.Project", on_delete=models.CASCADE, related_name="+")
    round = models.ForeignKey("labeling.Round", null=True, on_delete=models.CASCADE, related_name="+")
    as_of = models.DateTimeField()
    took_ms = models.PositiveIntegerField(default=0)
    data = models.JSONField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "round"], nulls_distinct=False, name="one_report_per_round")
        ]

    def __str__(self) -> str:
        return f"report of {self.project_id} as of {self.as_of:%Y-%m-%d %H:%M}"


class RoundsReport(models.Model):
    """What a project's rounds say beside each other, as of an instant (`insights/rounds.py`)."""

    project = models.OneToOneField("labeling.Project", primary_key=True, on_delete=models.CASCADE, related_name="+")
    as_of = models.DateTimeField()
    took_ms = models.PositiveIntegerField(default=0)
    data = models.JSONField()

    def __str__(self) -> str:
        return f"rounds of {self.project_id} as of {self.as_of:%Y-%m-%d %H:%M}"


class Ledger(models.Model):
    """How far the judgements of a project are brought up to date; its lock keeps two refreshes apart."""

    project = models.OneToOneField("labeling.Project", primary_key=True, on_delete=models.CASCADE, related_name="+")
    up_to = models.DateTimeField(null=True)
    unreported = models.BooleanField(default=False, help_text="Judgements changed since the reports were last made.")

    def __str__(self) -> str:
        return f"ledger of {self.project_id}"
