"""Comparisons and their completions. Writes: `labeling/candidates.py` and `labeling/comparisons.py`."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.functional import cached_property

from common.compiled import compiled
from labeling.models.dialogues import Dialogue
from labeling.models.projects import Project
from labeling.models.prompts import Prompt
from labeling.models.rounds import Round
from labeling.models.turns import Turn, TurnDraw

MOST_COMPLETIONS = 9  # of a comparison


class Comparison(models.Model):
    """One prompt with K completions to order."""

    class State(models.TextChoices):
        SAMPLING = "sampling", "Sampling"  # its completions are being written
        OPEN = "open", "Open"  # wants votes
        CLOSED = "closed", "Closed"  # has all the votes it wanted
        DISCARDED = "discarded", "Discarded"  # `discard_reason` says why

    class Selection(models.TextChoices):
        """How it came to be ranked, where a reward model chooses some (`labeling/selection.py`)."""

        RANDOM = "random", "In its turn"  # a fair sample of all
        MARGIN = "margin", "Chosen: a reward model was unsure of its order"
        REST = "rest", "Left over by the choice"

    READY = (State.OPEN, State.CLOSED)  # with all its completions, not discarded

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
    policy_draws = models.JSONField(
        default=list, blank=True, help_text="Draws of policies for its places: seed, weights, and what was drawn."
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
    harms = ArrayField(
        models.CharField(max_length=60),
        default=list,
        db_default=[],
        blank=True,
        help_text="Kinds of harm that the content filter warns of in its texts, worked out whenever a verdict comes.",
    )
    source = models.CharField(max_length=120, blank=True)
    source_row = models.JSONField(null=True, blank=True, help_text="The raw row and the transforms applied to it.")
    content_hash = models.CharField(max_length=64, blank=True)
    k = models.PositiveSmallIntegerField(help_text="Completions wanted.")
    votes_wanted = models.PositiveSmallIntegerField(default=1, validators=[MinValueValidator(1)])
    extra_votes = models.PositiveSmallIntegerField(
        default=0, help_text="How many of the votes wanted were added because the first ones disagreed."
    )
    held_at = models.DateTimeField(
        null=True, blank=True, help_text="Since when its completions are all there and it waits to be chosen."
    )
    selection = models.CharField(max_length=6, choices=Selection.choices, blank=True, default="", db_default="")
    selection_margin = models.FloatField(
        null=True, blank=True, help_text="How sure the reward model was of its order: 0 not at all, 1 altogether."
    )
    selection_model = models.ForeignKey(
        "sampler.ModelVersion", null=True, blank=True, on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    known_groups = models.JSONField(null=True, blank=True, help_text="The order that a calibration item expects.")
    explanation = models.TextField(blank=True, help_text="Shown after a practice item.")
    repeat_of = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="repeats")
    copied_from = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        db_index=False,
        related_name="copies",
        help_text="The comparison whose texts it holds; a withdrawal follows it.",
    )
    withdrawn_at = models.DateTimeField(null=True, blank=True, help_text="When the text that it rests on was emptied.")
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
            models.CheckConstraint(name="comparison_k_at_least_2", condition=Q(k__gte=2, k__lte=MOST_COMPLETIONS)),
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
            models.Index(
                fields=["project", "opened_at", "id"], name="comparison_harmless", condition=Q(state="open", harms=[])
            ),
            models.Index(fields=["created_at"], name="comparison_sampling", condition=Q(state="sampling")),
            models.Index(fields=["project", "state"], name="comparison_by_state"),
            models.Index(fields=["project", "-created_at"], name="comparison_newest"),
            models.Index(
                fields=["project", "opened_at"], name="comparison_ready", condition=Q(state__in=["open", "closed"])
            ),
            models.Index(fields=["copied_from"], name="comparison_copies", condition=Q(copied_from__isnull=False)),
            models.Index(fields=["only_for"], name="comparison_hidden", condition=Q(only_for__isnull=False)),
            models.Index(fields=["project"], name="comparison_flagged", condition=~Q(harms=[])),
        ]

    def __str__(self) -> str:
        return f"comparison {str(self.id)[:8]}"

    @cached_property
    def texts(self) -> dict[str, str]:
        """The completions' texts by id, in the order of storage; read once, for they never change while it is open."""
        return {cid: text for cid, text, _, _ in self._answers}

    @cached_property
    def cut(self) -> set[str]:
        """Ids of the completions whose model was stopped at the limit of tokens."""
        return {cid for cid, _, finish_reason, _ in self._answers if finish_reason == "length"}

    def know_answers(self, answers: list[tuple[str, str, str, str]]) -> None:
        """(id, text, finish reason, reasoning) of each completion, as the statement that locked this row read them."""
        self.__dict__["_answers"] = answers

    @cached_property
    def reasoning(self) -> dict[str, str]:
        """What the models thought before they answered, by the completion's id; empty where one did not, or the
        project does not show it."""
        return {cid: thought for cid, _, _, thought in self._answers if self.project.show_reasoning}

    @cached_property
    def _answers(self) -> list[tuple[str, str, str, str]]:
        return [(str(cid), text, finish_reason, thought) for cid, text, finish_reason, thought in _candidates(self)]


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


@compiled
def _candidates(comparison: Comparison) -> models.QuerySet[Candidate, tuple[uuid.UUID, str, str, str]]:
    columns = ("completion_id", "completion__text", "completion__finish_reason", "completion__reasoning")
    return Candidate.objects.filter(comparison=comparison).order_by("index").values_list(*columns)


class CandidateCopy(models.Model):
    """A further draw of a candidate's text: by the same policy, or by another one, which then wrote the same."""

    candidate = models.ForeignKey(Candidate, on_delete=models.CASCADE, related_name="copies")
    completion = models.OneToOneField("sampler.Completion", on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"{self.completion_id} as {self.candidate_id}"


class ComparisonRequest(models.Model):
    """A sample request made for a comparison; settled once by the labeling beat task."""

    comparison = models.ForeignKey(Comparison, on_delete=models.CASCADE, related_name="requests")
    request = models.OneToOneField("sampler.SampleRequest", on_delete=models.CASCADE, related_name="+")

    def __str__(self) -> str:
        return f"{self.comparison_id} <- {self.request_id}"
