"""What reviewers are asked to look at and why, and what they decided. Writes: `labeling/quality/reviews.py`."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q, Value
from django.utils.translation import gettext_lazy as _

from labeling.models.dialogues import Dialogue
from labeling.models.projects import Project
from labeling.models.rankings import Ranking

if TYPE_CHECKING:
    from accounts.models import User


class ReviewQuerySet(models.QuerySet["Review"]):
    def in_force(self) -> ReviewQuerySet:
        """Not taken back."""
        return self.filter(undone_at__isnull=True)

    def one_by_one(self) -> ReviewQuerySet:
        """Those that speak of reviewers' judgement: in force, and not taken over many at once."""
        return self.filter(undone_at__isnull=True, bulk__isnull=True)


class Review(models.Model):
    """A reviewer's decision on a ranking or a dialogue. Never changed: taking it back dates it."""

    class Decision(models.TextChoices):
        ACCEPTED = "accepted", _("Accepted")
        RETURNED = "returned", _("Returned")  # with a comment; the trainer sends a new version
        EXCLUDED = "excluded", _("Excluded from exports")
        EDITED = "edited", _("Replaced by the reviewer's own order")  # of every vote on what got a gold order

    class Finding(models.TextChoices):
        """Of a red-team chat: what the reviewer finds, whatever its trainer said."""

        BROKEN = "broken", _("The rule is broken")
        HELD = "held", _("The rule is not broken")
        UNCLEAR = "unclear", _("Unclear whether the rule is broken")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    ranking = models.ForeignKey(Ranking, null=True, blank=True, on_delete=models.CASCADE, related_name="reviews")
    dialogue = models.ForeignKey(Dialogue, null=True, blank=True, on_delete=models.CASCADE, related_name="reviews")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reviews")
    decision = models.CharField(max_length=10, choices=Decision.choices)
    comment = models.TextField(blank=True)
    grade = models.PositiveSmallIntegerField(null=True, blank=True, help_text="1-7, for demonstrations.")
    spans = models.JSONField(
        default=dict, db_default=Value({}, models.JSONField()), blank=True,
        help_text="What the reviewer says of single words, by completion: labeling/spans.py.",
    )  # fmt: skip
    finding = models.CharField(
        max_length=7, choices=Finding.choices, blank=True, default="", db_default="",
        help_text="Of an accepted red-team chat: whether its rule is broken.",
    )  # fmt: skip
    bulk = models.UUIDField(null=True, blank=True, help_text="Shared by decisions that were taken over many at once.")
    created_at = models.DateTimeField(auto_now_add=True)
    undone_at = models.DateTimeField(null=True, blank=True)

    objects = ReviewQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                name="review_of_exactly_one",
                condition=Q(ranking__isnull=False, dialogue__isnull=True)
                | Q(ranking__isnull=True, dialogue__isnull=False),
            ),
            models.CheckConstraint(
                name="review_return_has_comment", condition=~Q(decision="returned") | ~Q(comment="")
            ),
        ]
        indexes = [models.Index(fields=["reviewer", "created_at"], name="review_by_reviewer")]

    def __str__(self) -> str:
        return self.get_decision_display()


class ReviewItemQuerySet(models.QuerySet["ReviewItem"]):
    def waiting(self) -> ReviewItemQuerySet:
        """Not yet decided on, and still in force."""
        return (
            self.exclude(Exists(Review.objects.in_force().filter(ranking=OuterRef("ranking_id"))))
            .exclude(Exists(Review.objects.in_force().filter(dialogue=OuterRef("dialogue_id"))))
            .filter(
                Q(ranking__isnull=False, ranking__undone_at__isnull=True, ranking__superseded_by__isnull=True)
                | Q(dialogue__isnull=False, dialogue__state=Dialogue.State.SUBMITTED)
            )
        )

    def waiting_rankings(self) -> ReviewItemQuerySet:
        """Those of `waiting` that are rankings, in words of which PostgreSQL knows how many it finds."""
        newer = Ranking.objects.filter(supersedes=OuterRef("ranking_id"))
        decided = Review.objects.in_force().filter(ranking=OuterRef("ranking_id"))
        return self.filter(~Exists(decided), ~Exists(newer), ranking__isnull=False, ranking__undone_at__isnull=True)

    def waiting_dialogues(self) -> ReviewItemQuerySet:
        decided = Review.objects.in_force().filter(dialogue=OuterRef("dialogue_id"))
        return self.filter(~Exists(decided), dialogue__isnull=False, dialogue__state=Dialogue.State.SUBMITTED)

    def not_by(self, user: User) -> ReviewItemQuerySet:
        """Nobody reviews their own work."""
        return self.exclude(ranking__trainer=user).exclude(dialogue__author=user)


class ReviewItem(models.Model):
    """A finished piece of work that a rule picked for review. Decided while a `Review` of it is in force."""

    class Reason(models.TextChoices):
        RANDOM = "random", _("random share")
        NEW_TRAINER = "new_trainer", _("new trainer")
        FAST = "fast", _("done very fast")
        CONTRADICTION = "contradiction", _("order against own grades")
        LOW_AGREEMENT = "low_agreement", _("disagrees with another vote")
        VERBATIM = "verbatim", _("mostly the model's own text")
        MENDED = "mended", _("mended after a return")
        EXAM = "exam", _("exam demonstration")
        RED_TEAM = "red_team", _("red team")
        ASKED = "asked", _("picked by hand")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="review_items")
    ranking = models.OneToOneField(Ranking, null=True, blank=True, on_delete=models.CASCADE, related_name="review_item")
    dialogue = models.OneToOneField(
        Dialogue, null=True, blank=True, on_delete=models.CASCADE, related_name="review_item"
    )
    reasons = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ReviewItemQuerySet.as_manager()

    class Meta:
        ordering = ["created_at"]
        constraints = [
            models.CheckConstraint(
                name="review_item_of_exactly_one",
                condition=Q(ranking__isnull=False, dialogue__isnull=True)
                | Q(ranking__isnull=True, dialogue__isnull=False),
            )
        ]
        indexes = [models.Index(fields=["project", "created_at"], name="review_item_queue")]

    def __str__(self) -> str:
        return ", ".join(str(self.Reason(reason).label) for reason in self.reasons)
