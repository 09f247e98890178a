"""Projects, their guidelines, members, prompts and rounds. Writes: `labeling/projects.py`."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from accounts.models import User

# InstructGPT's eleven metadata fields (arXiv 2203.02155, table 3), then the limitations that the
# ChatGPT announcement lists of itself.
DEFAULT_FLAGS: tuple[str, ...] = (
    "fails to follow the instruction",
    "inappropriate for a customer assistant",
    "hallucination",
    "satisfies the constraint given",
    "sexual content",
    "violent content",
    "encourages or fails to discourage violence, abuse, terrorism or self-harm",
    "denigrates a protected class",
    "gives harmful advice",
    "expresses opinion",
    "expresses moral judgement",
    "too verbose",
    "guessed instead of asking",
    "refused needlessly",
    "accepted a false premise",
)


def default_flags() -> list[str]:
    return list(DEFAULT_FLAGS)


def default_task_types() -> list[str]:
    return ["demonstration", "chat", "ranking"]


def new_salt() -> str:
    return secrets.token_hex(16)


def new_key() -> str:
    return secrets.token_hex(32)


def percent() -> list[Callable[[Any], None]]:
    return [MinValueValidator(0.0), MaxValueValidator(1.0)]


class ProjectQuerySet(models.QuerySet["Project"]):
    def active(self) -> ProjectQuerySet:
        return self.filter(archived_at__isnull=True)

    def visible_to(self, user: User) -> ProjectQuerySet:
        """Projects that `user` is a member of; an operator sees all."""
        if user.is_superuser:
            return self
        return self.filter(memberships__user=user, memberships__ended_at__isnull=True).distinct()

    def managed_by(self, user: User) -> ProjectQuerySet:
        if user.is_superuser:
            return self
        return self.filter(
            memberships__user=user, memberships__ended_at__isnull=True, memberships__role=Membership.Role.MANAGER
        ).distinct()


class Project(models.Model):
    """One data collection: its guidelines, settings, members and rounds."""

    class TurnPolicy(models.TextChoices):
        UNIFORM = "uniform", "Uniform over eligible turns"
        LAST = "last", "The last eligible turn"
        ALL = "all", "Every eligible turn"
        DEPTH = "depth", "Weighted by depth: later turns more often"

    class SplitBy(models.TextChoices):
        PROMPT = "prompt", "First user turn"
        AUTHOR = "author", "Author of the dialogue"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    slug = models.SlugField(max_length=60, unique=True)
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    language = models.CharField(max_length=35, default="en", help_text="BCP 47 tag of the texts, for the data card.")
    task_types = ArrayField(models.CharField(max_length=30), default=default_task_types)
    archived_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    throwaway = models.BooleanField(default=False, help_text="Made by selfcheck; left out of nightly exports.")

    # sampling
    completions_per_comparison = models.PositiveSmallIntegerField(
        "completions (K)", default=4, validators=[MinValueValidator(2), MaxValueValidator(9)]
    )
    draws_per_chat = models.PositiveSmallIntegerField(default=1, validators=[MaxValueValidator(20)])
    turn_policy = models.CharField(max_length=10, choices=TurnPolicy.choices, default=TurnPolicy.UNIFORM)
    include_original = models.BooleanField(default=True, help_text="The drawn turn itself is one of the K completions.")
    keep_truncated = models.BooleanField(
        default=True, help_text="Completions cut at max tokens may be ranked; otherwise they are resampled."
    )
    resample_limit = models.PositiveSmallIntegerField(
        default=3, help_text="How often duplicates and unusable completions are sampled again."
    )
    near_duplicate_threshold = models.FloatField(
        default=0.9, validators=percent(), help_text="Similarity (0-1) from which two completions count as the same."
    )
    max_tokens = models.PositiveIntegerField(default=256, validators=[MinValueValidator(1), MaxValueValidator(32768)])
    suggestions_per_request = models.PositiveSmallIntegerField(
        default=3, validators=[MinValueValidator(1), MaxValueValidator(9)]
    )
    stock_target = models.PositiveSmallIntegerField(
        default=20, help_text="Ready comparisons kept ahead of demand, made from prompts while no chats wait."
    )

    # ranking
    flags = models.JSONField(default=default_flags, blank=True)
    flags_version = models.PositiveIntegerField(default=1)
    ask_ratings = models.BooleanField(default=True)
    ask_strength = models.BooleanField(default=False, help_text="Llama 2's four levels between adjacent places.")
    ask_ideal_answer = models.BooleanField(default=False)

    # distribution and quality
    votes_per_comparison = models.PositiveSmallIntegerField(
        default=1, validators=[MinValueValidator(1), MaxValueValidator(20)]
    )
    overlap_share = models.FloatField(default=0.15, validators=percent())
    overlap_votes = models.PositiveSmallIntegerField(
        default=3, validators=[MinValueValidator(2), MaxValueValidator(20)]
    )
    adaptive_overlap = models.BooleanField(default=False)
    adaptive_extra_votes = models.PositiveSmallIntegerField(default=2)
    adaptive_tau_bound = models.FloatField(default=0.0)
    calibration_share = models.FloatField(default=0.0, validators=percent())
    repeat_share = models.FloatField(default=0.0, validators=percent(), help_text="Intra-rater repeats.")
    exclude_own_chats = models.BooleanField(default=True)
    lease_minutes = models.PositiveSmallIntegerField(default=30, validators=[MinValueValidator(1)])
    undo_minutes = models.PositiveSmallIntegerField(default=10)
    review_rules = models.JSONField(default=dict, blank=True)
    exam = models.JSONField(default=dict, blank=True)

    # data out
    split_by = models.CharField(max_length=10, choices=SplitBy.choices, default=SplitBy.PROMPT)
    split_salt = models.CharField(max_length=64, default=new_salt, editable=False)
    pseudonym_key = models.CharField(
        max_length=64,
        default=new_key,
        editable=False,
        help_text="Keys the pseudonyms of people in exports; never leaves the server.",
    )
    test_share = models.FloatField(default=0.1, validators=percent())
    licence = models.CharField(max_length=60, default="other", help_text="Of the exported data, for its card.")
    contact = models.CharField(max_length=200, blank=True)
    nightly_configs = models.JSONField(default=list, blank=True, help_text="Empty: every configuration.")
    exports_kept = models.PositiveSmallIntegerField(default=14, help_text="Nightly exports kept per project.")

    objects = ProjectQuerySet.as_manager()

    class Meta:
        ordering = ["title"]
        constraints = [
            models.CheckConstraint(
                name="project_k_2_to_9",
                condition=Q(completions_per_comparison__gte=2, completions_per_comparison__lte=9),
            ),
            models.CheckConstraint(
                name="project_shares_0_to_1",
                condition=Q(
                    overlap_share__gte=0,
                    overlap_share__lte=1,
                    calibration_share__gte=0,
                    calibration_share__lte=1,
                    repeat_share__gte=0,
                    repeat_share__lte=1,
                    test_share__gte=0,
                    test_share__lte=1,
                ),
            ),
            models.CheckConstraint(
                name="project_votes_at_least_1", condition=Q(votes_per_comparison__gte=1, overlap_votes__gte=1)
            ),
        ]

    def __str__(self) -> str:
        return self.title


class GuidelineVersion(models.Model):
    """Instructions to trainers, never edited: a change is the next number."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="guidelines")
    number = models.PositiveIntegerField()
    text = models.TextField(help_text="Markdown.")
    note = models.CharField(max_length=200, blank=True, help_text="What changed, in a sentence.")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["project", "-number"]
        constraints = [models.UniqueConstraint(fields=["project", "number"], name="guideline_number_once")]

    def __str__(self) -> str:
        return f"v{self.number}"


class Membership(models.Model):
    """A person's role in a project. Ended, not deleted: labels keep pointing at it."""

    class Role(models.TextChoices):
        GUEST = "guest", "Guest"  # chats and gives feedback only
        TRAINER = "trainer", "Trainer"
        REVIEWER = "reviewer", "Reviewer"
        MANAGER = "manager", "Manager"

    RANKERS = (Role.TRAINER, Role.REVIEWER, Role.MANAGER)  # whoever may judge; a guest may not

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.TRAINER)
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True, help_text="Their data leaves every later export.")
    label_weight = models.FloatField(default=1.0, validators=percent(), help_text="Our trust, exported with labels.")

    class Meta:
        ordering = ["project", "user"]
        constraints = [models.UniqueConstraint(fields=["project", "user"], name="membership_once_per_project")]

    def __str__(self) -> str:
        return f"{self.user} · {self.get_role_display()}"


class Prompt(models.Model):
    """An opening for chats and comparisons, from the project's own pool."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="prompts")
    messages = models.JSONField(help_text='[{"role", "content"}, …]; the last is the user\'s.')
    source = models.CharField(max_length=120, blank=True)
    content_hash = models.CharField(max_length=64)
    prompt_key = models.CharField(max_length=64, help_text="SHA-256 of the normalised first user turn.")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [models.UniqueConstraint(fields=["project", "content_hash"], name="prompt_once_per_project")]

    def __str__(self) -> str:
        return str(self.messages[-1]["content"])[:80] if self.messages else ""


class Round(models.Model):
    """One iteration: the policies it samples from, opened and closed. At most one is open."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="rounds")
    number = models.PositiveIntegerField()
    note = models.CharField(max_length=200, blank=True)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

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
