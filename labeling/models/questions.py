"""What people ask about guidelines and tasks, and what a manager answers. Writes: `labeling/questions.py`."""

from __future__ import annotations

import uuid
from datetime import UTC
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from labeling.models.comparisons import Comparison
from labeling.models.dialogues import Dialogue
from labeling.models.guidelines import GuidelineVersion
from labeling.models.members import Membership
from labeling.models.projects import Project
from labeling.models.rankings import Ranking
from labeling.models.roles import RANKERS, REVIEWERS

if TYPE_CHECKING:
    from accounts.models import User


class QuestionQuerySet(models.QuerySet["Question"]):
    def standing(self) -> QuestionQuerySet:
        """Whose words were not withdrawn."""
        return self.filter(withdrawn_at__isnull=True)

    def open(self) -> QuestionQuerySet:
        return self.filter(withdrawn_at__isnull=True, answered_at__isnull=True)

    def visible_to(self, user: User) -> QuestionQuerySet:
        """By role: one's own, what was answered for everybody, and all of it to reviewers and managers. What would
        unblind is left out by `questions.visible_to`, which everybody asks."""
        rows = self.standing()
        if user.is_superuser:
            return rows
        mine = Membership.objects.filter(user=user, ended_at__isnull=True, role__in=RANKERS)  # guests have none
        reviewed = Q(project__in=mine.filter(role__in=REVIEWERS).values("project"))
        return rows.filter(project__in=mine.values("project")).filter(
            Q(asked_by=user) | Q(for_everybody=True) | reviewed
        )


class Question(models.Model):
    """A question about one thing, and its answer."""

    class About(models.TextChoices):
        GUIDELINES = "guidelines", _("Guidelines")
        COMPARISON = "comparison", _("Comparison")
        DIALOGUE = "dialogue", _("Dialogue")
        RANKING = "ranking", _("Review")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, db_index=False, related_name="questions")
    about = models.CharField(max_length=10, choices=About.choices)
    guideline_version = models.ForeignKey(
        GuidelineVersion, null=True, blank=True, on_delete=models.PROTECT, db_index=False, related_name="+",
        help_text="In force when it was asked.",
    )  # fmt: skip
    comparison = models.ForeignKey(
        Comparison, null=True, blank=True, on_delete=models.CASCADE, related_name="questions"
    )
    dialogue = models.ForeignKey(Dialogue, null=True, blank=True, on_delete=models.CASCADE, related_name="questions")
    ranking = models.ForeignKey(Ranking, null=True, blank=True, on_delete=models.CASCADE, related_name="questions")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="questions")
    text = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)
    answer = models.TextField(blank=True, default="")
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    answered_at = models.DateTimeField(null=True, blank=True)
    for_everybody = models.BooleanField(
        default=False, help_text="Shown with its answer to every member, where it belongs."
    )
    withdrawn_at = models.DateTimeField(null=True, blank=True, help_text="When its words were emptied.")

    objects = QuestionQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(
                name="question_about_one_thing",
                condition=Q(about="guidelines", comparison=None, dialogue=None, ranking=None)
                | Q(about="comparison", comparison__isnull=False, dialogue=None, ranking=None)
                | Q(about="dialogue", comparison=None, dialogue__isnull=False, ranking=None)
                | Q(about="ranking", comparison=None, dialogue=None, ranking__isnull=False),
            ),
            models.CheckConstraint(
                name="question_answer_is_whole",
                condition=Q(answered_at=None, answered_by=None, answer="", for_everybody=False)
                | Q(answered_at__isnull=False, answered_by__isnull=False) & ~Q(answer=""),
            ),
            models.CheckConstraint(
                name="question_on_a_review_is_not_for_everybody",
                condition=~Q(about="ranking", for_everybody=True),
            ),
        ]
        indexes = [
            models.Index(fields=["project", "about", "-created_at"], name="question_of_project"),
            models.Index(fields=["project"], name="question_open", condition=Q(answered_at=None, withdrawn_at=None)),
        ]

    def __str__(self) -> str:
        return f"question {str(self.id)[:8]}"

    @property
    def name(self) -> str:
        """In addresses that people read: the day, and the beginning of the id."""
        return f"{self.created_at.astimezone(UTC):%Y-%m-%d}-{self.id.hex[:8]}"
