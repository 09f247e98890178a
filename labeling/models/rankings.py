"""The orders that trainers gave. Writes: `labeling/rankings.py` and `labeling/corrections.py`."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from labeling.models.assignments import Assignment
from labeling.models.comparisons import Comparison
from labeling.models.dialogues import Dialogue
from labeling.models.guidelines import GuidelineVersion


class RankingQuerySet(models.QuerySet["Ranking"]):
    def in_force(self) -> RankingQuerySet:
        """Neither undone nor superseded. As NOT EXISTS: PostgreSQL takes a join with `IS NULL` on its result
        for one row and plans accordingly."""
        newer = Ranking.objects.filter(supersedes__isnull=False, supersedes=models.OuterRef("pk"))
        return self.filter(~models.Exists(newer.order_by()), undone_at__isnull=True)

    def first_of_each(self) -> RankingQuerySet:
        """One a piece of work, as it was first handed in and not taken back, whether it was mended since or not."""
        return self.filter(undone_at__isnull=True, supersedes__isnull=True)


class Ranking(models.Model):
    """One trainer's order of a comparison's completions, ties allowed. Immutable: an undo dates it,
    a correction is a new row that supersedes it."""

    class Strength(models.IntegerChoices):
        """Llama 2's levels (arXiv 2307.09288, section 3.2.1)."""

        NEGLIGIBLE = 1, _("negligibly better or unsure")
        SLIGHT = 2, _("slightly better")
        BETTER = 3, _("better")
        SIGNIFICANT = 4, _("significantly better")

    class Kind(models.TextChoices):
        VOTE = "vote", _("Vote")
        SURPLUS = "surplus", _("Surplus")
        RESEARCH = "research", _("Blind vote")  # a reviewer's, outside the count
        IMPORTED = "imported", _("Imported")
        GOLD = "gold", _("Gold order")  # a reviewer's, for the votes; `labeling/quality/adjudication.py`

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    assignment = models.ForeignKey(Assignment, null=True, blank=True, on_delete=models.CASCADE, related_name="rankings")
    comparison = models.ForeignKey(Comparison, on_delete=models.CASCADE, related_name="rankings")
    trainer = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="rankings"
    )
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.VOTE)
    guideline_version = models.ForeignKey(
        GuidelineVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    order_shown = models.JSONField(help_text="Ids of the completions in the order shown.")
    groups = models.JSONField(default=list, help_text="Tie groups of completion ids, best first; every id once.")
    ratings = models.JSONField(default=dict, blank=True, help_text="Completion id to overall 1-7.")
    flags = models.JSONField(default=dict, blank=True, help_text="Completion id to names of flags.")
    flags_version = models.PositiveIntegerField(default=1)
    strengths = models.JSONField(default=list, blank=True, help_text="1-4 between adjacent groups.")
    criteria = models.JSONField(
        default=dict,
        db_default=models.Value({}, models.JSONField()),
        blank=True,
        help_text="Completion id to grades by the criterion's name.",
    )
    scales = models.JSONField(
        default=list,
        db_default=models.Value([], models.JSONField()),
        blank=True,
        help_text='The criteria that were asked, with their steps: [{"name", "steps"}, …].',
    )
    spans = models.JSONField(
        default=dict,
        db_default=models.Value({}, models.JSONField()),
        blank=True,
        help_text="Completion id to marks on its words: start, end, category, comment.",
    )
    reading = models.JSONField(
        default=dict,
        db_default=models.Value({}, models.JSONField()),
        blank=True,
        help_text="Completion id to how it was read on the page: active seconds, and whether its place was proposed.",
    )
    not_rankable = models.CharField(max_length=200, blank=True, help_text="Why none could be ranked; empty: ranked.")
    note = models.TextField(blank=True)
    ideal_answer = models.ForeignKey(
        Dialogue,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="The demonstration that was written as the ideal answer.",
    )
    contradiction_confirmed = models.BooleanField(
        default=False, help_text="Rated against its own order, asked about it, and kept."
    )
    seconds = models.PositiveIntegerField(null=True, blank=True)
    label_weight = models.FloatField(null=True, blank=True)
    submission_hash = models.CharField(max_length=64, blank=True, help_text="Makes the same submission idempotent.")
    source_row = models.JSONField(
        null=True, blank=True, help_text="Of an imported one: its raw row, where it is not the comparison's own."
    )
    supersedes = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="superseded_by"
    )
    submitted_at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True, blank=True)

    objects = RankingQuerySet.as_manager()

    class Meta:
        ordering = ["-submitted_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["assignment"],
                condition=Q(undone_at__isnull=True, supersedes__isnull=True),
                name="one_ranking_in_force_per_assignment",
            ),
            models.CheckConstraint(
                name="ranking_has_groups_or_reason",
                condition=Q(not_rankable="") & ~Q(groups=[]) | ~Q(not_rankable="") & Q(groups=[]),
            ),
            models.CheckConstraint(
                name="ranking_voted_has_trainer",
                condition=Q(kind="imported")
                | Q(kind="gold", trainer__isnull=False)
                | Q(trainer__isnull=False, assignment__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["trainer", "submitted_at"], name="ranking_by_trainer"),
            models.Index(fields=["-submitted_at"], name="ranking_newest"),
            models.Index(fields=["comparison"], name="ranking_in_force", condition=Q(undone_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"ranking {str(self.id)[:8]}"
