"""Comparisons, the leases on them and the rankings that come back. Writes: `labeling/comparisons.py`."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.functional import cached_property

from labeling.models.dialogues import Dialogue, Turn, TurnDraw
from labeling.models.projects import GuidelineVersion, Project, Prompt, Round

if TYPE_CHECKING:
    from accounts.models import User


class Comparison(models.Model):
    """One prompt with K completions to order."""

    class State(models.TextChoices):
        SAMPLING = "sampling", "Sampling"  # its completions are being written
        OPEN = "open", "Open"  # wants votes
        CLOSED = "closed", "Closed"  # has all the votes it wanted
        DISCARDED = "discarded", "Discarded"  # `discard_reason` says why

    TRANSITIONS = {
        State.SAMPLING: frozenset({State.OPEN, State.DISCARDED}),
        State.OPEN: frozenset({State.CLOSED, State.DISCARDED}),
        State.CLOSED: frozenset({State.OPEN, State.DISCARDED}),
        State.DISCARDED: frozenset(),
    }

    class Kind(models.TextChoices):
        NORMAL = "normal", "Normal"
        CALIBRATION = "calibration", "Calibration"  # has a known order; out of exports by default
        EXAM = "exam", "Exam"
        REPEAT = "repeat", "Intra-rater repeat"
        IMPORTED = "imported", "Imported"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="comparisons")
    round = models.ForeignKey(Round, null=True, blank=True, on_delete=models.PROTECT, related_name="comparisons")
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.NORMAL)
    state = models.CharField(max_length=10, choices=State.choices, default=State.SAMPLING)
    discard_reason = models.CharField(max_length=200, blank=True)
    discarded_at = models.DateTimeField(null=True, blank=True, help_text="From then on its rankings leave exports.")
    dialogue = models.ForeignKey(Dialogue, null=True, blank=True, on_delete=models.CASCADE, related_name="comparisons")
    turn = models.ForeignKey(
        Turn,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="comparisons",
        help_text="The model-written turn that was drawn.",
    )
    draw = models.ForeignKey(TurnDraw, null=True, blank=True, on_delete=models.CASCADE, related_name="comparisons")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Who wrote the prompt; may be kept from ranking it.",
    )
    pool_prompt = models.ForeignKey(
        Prompt,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="comparisons",
        help_text="The opening that it was made from, when it was made for stock.",
    )
    prompt = models.JSONField(help_text="The messages before the answer, as shown to the judge.")
    prompt_key = models.CharField(max_length=64, db_index=True)
    split = models.CharField(max_length=5)
    source = models.CharField(max_length=120, blank=True)
    source_row = models.JSONField(null=True, blank=True, help_text="The raw row and the transforms applied to it.")
    content_hash = models.CharField(max_length=64, blank=True)
    k = models.PositiveSmallIntegerField(help_text="Completions wanted.")
    votes_wanted = models.PositiveSmallIntegerField(default=1, validators=[MinValueValidator(1)])
    extra_votes = models.PositiveSmallIntegerField(
        default=0, help_text="How many of the votes wanted were added because the first ones disagreed."
    )
    known_groups = models.JSONField(null=True, blank=True, help_text="The order that a calibration item expects.")
    explanation = models.TextField(blank=True, help_text="Shown after a practice item.")
    repeat_of = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="repeats")
    only_for = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    resamples = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    opened_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(name="comparison_k_at_least_2", condition=Q(k__gte=2, k__lte=9)),
            models.CheckConstraint(name="comparison_votes_at_least_1", condition=Q(votes_wanted__gte=1)),
            models.CheckConstraint(
                name="comparison_discarded_has_reason", condition=~Q(state="discarded") | ~Q(discard_reason="")
            ),
            models.CheckConstraint(
                name="comparison_open_has_time", condition=~Q(state__in=["open", "closed"]) | Q(opened_at__isnull=False)
            ),
            models.CheckConstraint(
                name="comparison_closed_has_time",
                condition=Q(state="closed", closed_at__isnull=False)
                | Q(state__in=["sampling", "open"], closed_at__isnull=True)
                | Q(state="discarded"),
            ),
            models.UniqueConstraint(fields=["draw", "turn"], name="comparison_once_per_drawn_turn"),
            models.UniqueConstraint(fields=["round", "pool_prompt"], name="comparison_once_per_round_and_prompt"),
            models.UniqueConstraint(
                fields=["project", "content_hash"],
                condition=~Q(content_hash=""),
                name="comparison_import_once_per_project",
            ),
        ]
        indexes = [
            models.Index(fields=["project", "opened_at", "id"], name="comparison_open", condition=Q(state="open")),
            models.Index(fields=["created_at"], name="comparison_sampling", condition=Q(state="sampling")),
            models.Index(fields=["project", "state"], name="comparison_by_state"),
            models.Index(fields=["project", "-created_at"], name="comparison_newest"),
            models.Index(fields=["only_for"], name="comparison_hidden", condition=Q(only_for__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"comparison {str(self.id)[:8]}"

    @cached_property
    def texts(self) -> dict[str, str]:
        """The completions' texts by id, in the order of storage; read once, for they never change while it is open."""
        rows = self.candidates.order_by("index").values_list("completion_id", "completion__text")
        return {str(cid): text for cid, text in rows}


class Candidate(models.Model):
    """A completion's place in a comparison. `index` is its place in storage, never shown as such."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    comparison = models.ForeignKey(Comparison, on_delete=models.CASCADE, related_name="candidates")
    completion = models.ForeignKey("sampler.Completion", on_delete=models.PROTECT, related_name="+")
    index = models.PositiveSmallIntegerField()
    is_original = models.BooleanField(default=False, help_text="The turn that the trainer saw in the chat.")

    class Meta:
        ordering = ["comparison", "index"]
        constraints = [
            models.UniqueConstraint(fields=["comparison", "index"], name="candidate_index_once"),
            models.UniqueConstraint(fields=["comparison", "completion"], name="candidate_completion_once"),
        ]

    def __str__(self) -> str:
        return f"{self.comparison_id}[{self.index}]"


class ComparisonRequest(models.Model):
    """A sample request made for a comparison; settled once by the labeling beat task."""

    comparison = models.ForeignKey(Comparison, on_delete=models.CASCADE, related_name="requests")
    request = models.OneToOneField("sampler.SampleRequest", on_delete=models.CASCADE, related_name="+")

    def __str__(self) -> str:
        return f"{self.comparison_id} <- {self.request_id}"


class AssignmentQuerySet(models.QuerySet["Assignment"]):
    def of(self, user: User) -> AssignmentQuerySet:
        return self.filter(trainer=user)

    def leased(self) -> AssignmentQuerySet:
        return self.filter(state=Assignment.State.LEASED)


class Assignment(models.Model):
    """The lease of one vote of a comparison to a trainer."""

    class State(models.TextChoices):
        LEASED = "leased", "Leased"  # being worked on; holds its slot
        SUBMITTED = "submitted", "Submitted"  # has a ranking in force
        SKIPPED = "skipped", "Skipped"  # given back with a reason
        EXPIRED = "expired", "Expired"  # not heard of in time; its draft is kept

    TRANSITIONS = {
        State.LEASED: frozenset({State.SUBMITTED, State.SKIPPED, State.EXPIRED}),
        State.SUBMITTED: frozenset({State.LEASED}),
        State.SKIPPED: frozenset(),
        State.EXPIRED: frozenset({State.LEASED, State.SUBMITTED, State.SKIPPED}),
    }

    class Kind(models.TextChoices):
        VOTE = "vote", "Vote"  # counts; holds a slot
        SURPLUS = "surplus", "Surplus"  # came late and found no slot; kept outside the count
        RESEARCH = "research", "Research"  # a reviewer's own blind vote, outside the count

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    comparison = models.ForeignKey(Comparison, on_delete=models.CASCADE, related_name="assignments")
    trainer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="assignments")
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.VOTE)
    slot = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Which of the wanted votes, from 0.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.LEASED)
    guideline_version = models.ForeignKey(
        GuidelineVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    order_shown = models.JSONField(help_text="Ids of the completions in the order shown to this trainer.")
    order_seed = models.BigIntegerField()
    draft = models.JSONField(default=dict, blank=True)
    draft_version = models.PositiveIntegerField(default=0)
    draft_saved_at = models.DateTimeField(null=True, blank=True)
    seconds = models.PositiveIntegerField(default=0, help_text="Active time so far.")
    skip_reason = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    heartbeat_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["comparison", "slot"],
                name="vote_slot_once",
                condition=Q(slot__isnull=False, state__in=["leased", "submitted"]),
            ),
            models.UniqueConstraint(fields=["comparison", "trainer"], name="trainer_once_per_comparison"),
            models.CheckConstraint(
                name="slot_only_while_held",
                condition=Q(kind="vote", state__in=["leased", "submitted"], slot__isnull=False)
                | ~Q(kind="vote", state__in=["leased", "submitted"]) & Q(slot__isnull=True),
            ),
            models.CheckConstraint(
                name="assignment_skip_has_reason", condition=~Q(state="skipped") | ~Q(skip_reason="")
            ),
        ]
        indexes = [
            models.Index(fields=["trainer", "state"], name="assignment_by_trainer"),
            models.Index(fields=["expires_at"], name="assignment_leases", condition=Q(state="leased")),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.trainer_id} on {self.comparison_id} ({self.state})"


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

        NEGLIGIBLE = 1, "negligibly better or unsure"
        SLIGHT = 2, "slightly better"
        BETTER = 3, "better"
        SIGNIFICANT = 4, "significantly better"

    class Kind(models.TextChoices):
        VOTE = "vote", "Vote"
        SURPLUS = "surplus", "Surplus"
        RESEARCH = "research", "Research"
        IMPORTED = "imported", "Imported"

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
                condition=Q(kind="imported") | Q(trainer__isnull=False, assignment__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["trainer", "submitted_at"], name="ranking_by_trainer"),
            models.Index(fields=["-submitted_at"], name="ranking_newest"),
            models.Index(fields=["comparison"], name="ranking_in_force", condition=Q(undone_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"ranking {str(self.id)[:8]}"


class Review(models.Model):
    """A reviewer's decision on a ranking or a dialogue. Append-only."""

    class Decision(models.TextChoices):
        ACCEPTED = "accepted", "Accepted"
        RETURNED = "returned", "Returned"  # with a comment; the trainer sends a new version
        EXCLUDED = "excluded", "Excluded from exports"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    ranking = models.ForeignKey(Ranking, null=True, blank=True, on_delete=models.CASCADE, related_name="reviews")
    dialogue = models.ForeignKey(Dialogue, null=True, blank=True, on_delete=models.CASCADE, related_name="reviews")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reviews")
    decision = models.CharField(max_length=10, choices=Decision.choices)
    comment = models.TextField(blank=True)
    grade = models.PositiveSmallIntegerField(null=True, blank=True, help_text="1-7, for demonstrations.")
    created_at = models.DateTimeField(auto_now_add=True)

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

    def __str__(self) -> str:
        return self.get_decision_display()
