"""Projects and their settings. Writes: `labeling/projects.py`."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from labeling.criteria import check_criteria
from labeling.errors import Invalid
from labeling.models.roles import REVIEWERS, Role
from labeling.spans import check_categories

if TYPE_CHECKING:
    from accounts.models import User

MOST_CHOSEN = 0.9  # of the comparisons; the others are the fair sample

# InstructGPT's eleven metadata fields (arXiv 2203.02155, table 3), then the limitations that the
# ChatGPT announcement lists of itself.
DEFAULT_FLAGS: tuple[str, ...] = (
    gettext_noop("fails to follow the instruction"),
    gettext_noop("inappropriate for a customer assistant"),
    gettext_noop("hallucination"),
    gettext_noop("satisfies the constraint given"),
    gettext_noop("sexual content"),
    gettext_noop("violent content"),
    gettext_noop("encourages or fails to discourage violence, abuse, terrorism or self-harm"),
    gettext_noop("denigrates a protected class"),
    gettext_noop("gives harmful advice"),
    gettext_noop("expresses opinion"),
    gettext_noop("expresses moral judgement"),
    gettext_noop("too verbose"),
    gettext_noop("guessed instead of asking"),
    gettext_noop("refused needlessly"),
    gettext_noop("accepted a false premise"),
)


def default_flags() -> list[str]:
    return list(DEFAULT_FLAGS)


def default_task_types() -> list[str]:
    return ["demonstration", "chat", "ranking"]


def new_salt() -> str:
    return secrets.token_hex(16)


def new_key() -> str:
    return secrets.token_hex(32)


def criteria_hold(value: object) -> None:
    _valid(check_criteria, value)


def categories_hold(value: object) -> None:
    _valid(check_categories, value)


def _valid(check: Callable[[object], object], value: object) -> None:
    """A check of ours as one of a field's."""
    try:
        check(value)
    except Invalid as error:
        raise ValidationError(str(error)) from None


def percent() -> list[MinValueValidator | MaxValueValidator]:
    return [MinValueValidator(0.0), MaxValueValidator(1.0)]


class ProjectQuerySet(models.QuerySet["Project"]):
    def active(self) -> ProjectQuerySet:
        return self.filter(archived_at__isnull=True)

    def visible_to(self, user: User) -> ProjectQuerySet:
        """Projects that `user` is a member of; an operator sees all."""
        if user.is_superuser:
            return self
        return self.filter(memberships__user=user, memberships__ended_at__isnull=True).distinct()

    def reviewed_by(self, user: User) -> ProjectQuerySet:
        """Projects whose work `user` may review; an operator's all."""
        if user.is_superuser:
            return self
        return self.filter(
            memberships__user=user, memberships__ended_at__isnull=True, memberships__role__in=REVIEWERS
        ).distinct()

    def managed_by(self, user: User) -> ProjectQuerySet:
        if user.is_superuser:
            return self
        return self.filter(
            memberships__user=user, memberships__ended_at__isnull=True, memberships__role=Role.MANAGER
        ).distinct()


class Project(models.Model):
    """One data collection: its guidelines, settings, members and rounds."""

    class TurnPolicy(models.TextChoices):
        UNIFORM = "uniform", _("Uniform over eligible turns")
        LAST = "last", _("The last eligible turn")
        ALL = "all", _("Every eligible turn")
        DEPTH = "depth", _("Weighted by depth: later turns more often")

    class Cover(models.TextChoices):
        """Which texts are covered on pages until whoever works there reveals them, one by one."""

        NONE = "", _("None")
        FLAGGED = "flagged", _("Texts of which the content filter warns")
        MODEL = "model", _("All texts of a model, and what the filter warns of")

    class SplitBy(models.TextChoices):
        PROMPT = "prompt", _("First user turn")
        AUTHOR = "author", _("Author of the dialogue")

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
    rank_red_team = models.BooleanField(
        "rank red-team chats",
        default=False,
        db_default=False,
        help_text="Random turns of red-team chats become comparisons too.",
    )
    one_of_each = models.BooleanField(
        default=False, db_default=False, help_text="Models take turns within a comparison; weights do not count there."
    )
    keep_truncated = models.BooleanField(
        default=True, help_text="Completions cut at max tokens may be ranked; otherwise they are resampled."
    )
    resample_limit = models.PositiveSmallIntegerField(
        default=3, help_text="How often duplicates and unusable completions are sampled again."
    )
    near_duplicate_threshold = models.FloatField(
        default=0.9, validators=percent(), help_text="Similarity (0-1) from which two completions count as the same."
    )
    max_tokens = models.PositiveIntegerField(default=1024, validators=[MinValueValidator(1), MaxValueValidator(32768)])
    suggestions_per_request = models.PositiveSmallIntegerField(
        default=3, validators=[MinValueValidator(1), MaxValueValidator(9)]
    )
    prompted_share = models.FloatField(
        "share of given prompts",
        default=0.0,
        db_default=0.0,
        validators=percent(),
        help_text="Share of a trainer's demonstrations that answer a prompt of the pool.",
    )
    stock_target = models.PositiveSmallIntegerField(
        default=20, help_text="Ready comparisons kept ahead of demand, made from prompts while no chats wait."
    )

    margin_share = models.FloatField(
        "share chosen by a reward model",
        default=0.0,
        db_default=0.0,
        validators=[MinValueValidator(0.0), MaxValueValidator(MOST_CHOSEN)],
        help_text="Share of the comparisons that a reward model chooses: those whose order it is least sure of.",
    )
    margin_model = models.ForeignKey(
        "sampler.ModelVersion",
        verbose_name="reward model that chooses",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        db_index=False,
        limit_choices_to={"role": "reward"},
        related_name="+",
    )

    # ranking
    flags = models.JSONField(default=default_flags, blank=True)
    flags_version = models.PositiveIntegerField(default=1)
    ask_ratings = models.BooleanField(default=True)
    criteria = models.JSONField(
        default=list,
        db_default=models.Value([], models.JSONField()),
        blank=True,
        validators=[criteria_hold],
        help_text='Graded instead of one overall grade: [{"name", "steps"}, …].',
    )
    span_categories = models.JSONField(
        "what may be wrong with marked words",
        default=list,
        db_default=models.Value([], models.JSONField()),
        blank=True,
        validators=[categories_hold],
        help_text="Empty: no words are marked.",
    )
    ask_strength = models.BooleanField(default=False, help_text="Llama 2's four levels between adjacent places.")
    ask_ideal_answer = models.BooleanField(default=False)
    show_reasoning = models.BooleanField(
        default=False,
        db_default=False,
        help_text="What a reasoning model thought is shown to trainers, folded, beside its answer.",
    )

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

    # work
    daily_goal = models.PositiveSmallIntegerField(
        "tasks a day", default=0, db_default=0, help_text="What a trainer should submit on a day; 0: no goal is shown."
    )
    rate_per_hour = models.DecimalField(
        max_digits=10,
        decimal_places=2,
        default=0,
        db_default=0,
        validators=[MinValueValidator(0)],
        help_text="What an active hour of a trainer costs; 0: nothing.",
    )
    rate_per_task = models.DecimalField(
        max_digits=10,
        decimal_places=2,
        default=0,
        db_default=0,
        validators=[MinValueValidator(0)],
        help_text="What a submitted ranking or dialogue costs; 0: nothing.",
    )
    currency = models.CharField(max_length=3, blank=True, default="", db_default="", help_text="Of the rates.")

    guest_messages_per_day = models.PositiveSmallIntegerField(
        "messages of a guest a day",
        default=50,
        db_default=50,
        help_text="What each guest may send to the model on a day (UTC); 0: no limit.",
    )
    cover = models.CharField(
        "covered until revealed",
        max_length=7,
        choices=Cover.choices,
        blank=True,
        default=Cover.NONE,
        db_default="",
        help_text="Which texts people reveal one by one, by a click or a key, before they read them.",
    )
    exposure_minutes = models.PositiveSmallIntegerField(
        "minutes with flagged texts a week",
        default=0,
        db_default=0,
        help_text="After so many a person is offered only tasks without flagged texts until the week ends; 0: no end.",
    )

    programs_acknowledge = models.BooleanField(
        "programs acknowledge guidelines",
        default=False,
        db_default=False,
        help_text="The API too gives no task before a new version is acknowledged; the pages always ask.",
    )

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
                name="project_margin_share_bounded",
                condition=Q(margin_share__gte=0, margin_share__lte=MOST_CHOSEN),
            ),
            models.CheckConstraint(
                name="project_prompted_share_0_to_1", condition=Q(prompted_share__gte=0, prompted_share__lte=1)
            ),
            models.CheckConstraint(
                name="project_votes_at_least_1", condition=Q(votes_per_comparison__gte=1, overlap_votes__gte=1)
            ),
        ]

    def __str__(self) -> str:
        return self.title
