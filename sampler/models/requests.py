"""What is asked of a model. Writes: `sampler/sampling.py` (who asks) and `sampler/claims.py` (who samples)."""

from __future__ import annotations

import uuid

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from sampler.models.versions import ModelVersion

COULD_NOT_ANSWER = "The model could not answer. The operators can see why."


class SampleRequest(models.Model):
    """n completions of one prompt from one model version. The row is the work; a Celery message
    is only a doorbell. `attempts` is the fencing token: whoever lost the lease updates 0 rows."""

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"  # waits for a free slot
        RUNNING = "running", "Running"  # held by `worker` until `lease_expires_at`
        DONE = "done", "Done"  # its completions are stored
        FAILED = "failed", "Failed"  # `error` says why; ended
        CANCELLED = "cancelled", "Cancelled"  # stopped by whoever asked; partial text is stored

    ENDED = (State.DONE, State.FAILED, State.CANCELLED)
    TRANSITIONS = {
        # Queued to done: a worker whose lease ran out still finished before anybody else took it.
        State.QUEUED: frozenset({State.RUNNING, State.DONE, State.FAILED, State.CANCELLED}),
        State.RUNNING: frozenset({State.QUEUED, State.DONE, State.FAILED, State.CANCELLED}),
        **dict.fromkeys(ENDED, frozenset()),
    }

    class Purpose(models.TextChoices):
        REPLY = "reply", "Chat reply"
        SUGGESTION = "suggestion", "Suggestion"
        COMPARISON = "comparison", "Completions to rank"
        OTHER = "other", "Other"

    class Priority(models.IntegerChoices):
        INTERACTIVE = 0, "Interactive"  # a person waits
        BACKGROUND = 10, "Background"

    class Writes(models.TextChoices):
        ASSISTANT = "assistant", "Assistant"
        USER = "user", "User"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="requests")
    prompt = models.JSONField(help_text='[{"role", "content"}, …], system turn first if there is one.')
    writes = models.CharField(max_length=10, choices=Writes.choices, default=Writes.ASSISTANT)
    purpose = models.CharField(max_length=12, choices=Purpose.choices, default=Purpose.OTHER)
    priority = models.SmallIntegerField(choices=Priority.choices, default=Priority.BACKGROUND)
    n = models.PositiveSmallIntegerField(default=1, validators=[MinValueValidator(1), MaxValueValidator(64)])
    screening = models.JSONField(
        default=dict, blank=True, db_default={},
        help_text='By whose rules its texts are screened: {"project", "turn" of the message, if it has one}; or none.',
    )  # fmt: skip
    params = models.JSONField(default=dict, blank=True, help_text="SamplingParams as asked for.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0, help_text="Fencing token: one more at every claim.")
    strikes = models.PositiveSmallIntegerField(default=0, help_text="Tries that failed by the request itself.")
    losses = models.PositiveSmallIntegerField(default=0, help_text="Tries lost with a worker or a batch.")
    alone = models.BooleanField(default=False, help_text="This try runs with no other beside it.")
    worker = models.CharField(max_length=120, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    cancel_requested = models.BooleanField(default=False)
    error = models.TextField(blank=True, help_text="In the words of the engine or its server: for operators only.")
    partial = models.JSONField(
        default=list, blank=True, help_text="Texts of the last try that broke off; they are not completions."
    )
    prompt_report = models.JSONField(
        default=dict, blank=True, help_text="How the prompt was rendered: hash, template, turns cut and by which rule."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    not_before = models.DateTimeField(null=True, blank=True, help_text="Set when a try is put off.")
    started_at = models.DateTimeField(null=True, blank=True)
    first_token_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["created_at"]
        constraints = [
            models.CheckConstraint(name="request_n_1_to_64", condition=Q(n__gte=1, n__lte=64)),
            models.CheckConstraint(
                name="request_running_has_lease",
                condition=(
                    Q(state="running", lease_expires_at__isnull=False) & ~Q(worker="")
                    | ~Q(state="running") & Q(lease_expires_at__isnull=True)
                ),
            ),
            models.CheckConstraint(
                name="request_ended_has_finished_at",
                condition=(
                    Q(state__in=["done", "failed", "cancelled"], finished_at__isnull=False)
                    | Q(state__in=["queued", "running"], finished_at__isnull=True)
                ),
            ),
            models.CheckConstraint(name="request_failed_has_error", condition=~Q(state="failed") | ~Q(error="")),
        ]
        indexes = [
            models.Index(
                fields=["model_version", "priority", "created_at"],
                name="request_claim_order",
                condition=Q(state="queued"),
            ),
            models.Index(fields=["lease_expires_at"], name="request_leases", condition=Q(state="running")),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} x{self.n} from {self.model_version_id} ({self.state})"

    @property
    def failure(self) -> str:
        """What people other than operators are told of a failure; empty where there is none."""
        return COULD_NOT_ANSWER if self.state == self.State.FAILED else ""
