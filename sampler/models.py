"""Which models exist and what was drawn from them.

Knows nothing of dialogues or trainers: a request carries its prompt as a snapshot, so that GPU
workers deploy and are tested alone. Every write is in `sampler/sampling.py`.
"""

from __future__ import annotations

import uuid

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q

slug_validator = RegexValidator(r"^[a-z0-9][a-z0-9._-]*$", "Lower-case letters, digits, '.', '_' and '-' only.")


class ModelVersion(models.Model):
    """A checkpoint at one revision behind one engine, or a remote model of that name."""

    class Role(models.TextChoices):
        POLICY = "policy", "Policy"  # writes text
        REWARD = "reward", "Reward model"  # scores text

    class State(models.TextChoices):
        REGISTERED = "registered", "Registered"  # known, never yet loaded by a worker
        SERVING = "serving", "Serving"  # a worker loaded it
        FAILED = "failed", "Cannot load"  # the last load failed; `state_reason` says why
        RETIRED = "retired", "Retired"  # takes no new requests

    TRANSITIONS = {
        State.REGISTERED: frozenset({State.SERVING, State.FAILED, State.RETIRED}),
        State.SERVING: frozenset({State.REGISTERED, State.SERVING, State.FAILED, State.RETIRED}),
        State.FAILED: frozenset({State.REGISTERED, State.SERVING, State.FAILED, State.RETIRED}),
        State.RETIRED: frozenset({State.REGISTERED}),
    }

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    slug = models.CharField(max_length=80, unique=True, validators=[slug_validator])
    engine = models.CharField(max_length=30, help_text="A file of sampler/engines: hf, openai or fake.")
    location = models.CharField(
        max_length=500, blank=True, help_text="Folder or hub name (hf), base URL (openai), or settings (fake)."
    )
    revision = models.CharField(max_length=100, blank=True)
    remote_name = models.CharField(
        max_length=200, blank=True, help_text="Name of the model at an OpenAI-compatible server; empty: the slug."
    )
    api_key_env = models.CharField(
        max_length=80, blank=True, help_text="Name of the environment variable that holds the server's key."
    )
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.POLICY)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    export_id = models.UUIDField(null=True, blank=True, help_text="The export that it was trained on.")
    weights_hash = models.CharField(max_length=64, blank=True, help_text="Set by the worker that first loads it.")
    template_hash = models.CharField(max_length=64, blank=True)
    system_prompt = models.TextField(blank=True, help_text="Put first where a dialogue has no system turn.")
    context_limit = models.PositiveIntegerField(
        null=True, blank=True, help_text="Tokens, prompt and answer together; empty: the model's own."
    )
    default_params = models.JSONField(default=dict, blank=True, help_text="Sampling parameters, e.g. temperature.")
    state = models.CharField(max_length=12, choices=State.choices, default=State.REGISTERED)
    state_reason = models.TextField(blank=True)
    batching = models.JSONField(default=dict, blank=True, help_text="Way of batching that was chosen, and why.")
    loaded_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["slug"]
        constraints = [
            models.CheckConstraint(
                name="model_version_failed_has_reason",
                condition=~Q(state="failed") | ~Q(state_reason=""),
            ),
            models.CheckConstraint(name="model_version_not_own_parent", condition=~Q(parent=F("id"))),
        ]

    def __str__(self) -> str:
        return self.slug

    @property
    def public_name(self) -> str:
        """`slug@weights-hash`, as exports write it."""
        return f"{self.slug}@{self.weights_hash[:12] or 'unknown'}"


class SampleRequest(models.Model):
    """n completions of one prompt from one model version. The row is the work; a Celery message
    is only a doorbell. `attempts` is the fencing token: whoever lost the lease updates 0 rows."""

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"  # waits for a free slot
        RUNNING = "running", "Running"  # held by `worker` until `lease_expires_at`
        DONE = "done", "Done"  # its completions are stored
        FAILED = "failed", "Failed"  # `error` says why; ended
        CANCELLED = "cancelled", "Cancelled"  # stopped by whoever asked; partial text is stored

    TRANSITIONS = {
        # Queued to done: a worker whose lease ran out still finished before anybody else took it.
        State.QUEUED: frozenset({State.RUNNING, State.DONE, State.FAILED, State.CANCELLED}),
        State.RUNNING: frozenset({State.QUEUED, State.DONE, State.FAILED, State.CANCELLED}),
        State.DONE: frozenset(),
        State.FAILED: frozenset(),
        State.CANCELLED: frozenset(),
    }
    ENDED = (State.DONE, State.FAILED, State.CANCELLED)

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
    params = models.JSONField(default=dict, blank=True, help_text="SamplingParams as asked for.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0, help_text="Fencing token: one more at every claim.")
    strikes = models.PositiveSmallIntegerField(default=0, help_text="Tries that failed by the request itself.")
    losses = models.PositiveSmallIntegerField(default=0, help_text="Tries lost with a worker or a batch.")
    alone = models.BooleanField(default=False, help_text="This try runs with no other beside it.")
    worker = models.CharField(max_length=120, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    cancel_requested = models.BooleanField(default=False)
    error = models.TextField(blank=True)
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


class Completion(models.Model):
    """One text: sampled by an engine, or provided from outside (then without a request)."""

    class FinishReason(models.TextChoices):
        STOP = "stop", "Ended by itself or at a stop string"
        LENGTH = "length", "Cut at max_tokens"
        CANCELLED = "cancelled", "Stopped by the trainer"
        PROVIDED = "provided", "Brought from outside"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    request = models.ForeignKey(
        SampleRequest, null=True, blank=True, on_delete=models.CASCADE, related_name="completions"
    )
    index = models.PositiveSmallIntegerField(default=0)
    model_version = models.ForeignKey(
        ModelVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="completions"
    )
    model_label = models.CharField(max_length=200, blank=True, help_text="Name given with a provided text.")
    text = models.TextField(blank=True)
    finish_reason = models.CharField(max_length=10, choices=FinishReason.choices)
    prompt_tokens = models.PositiveIntegerField(null=True, blank=True)
    completion_tokens = models.PositiveIntegerField(null=True, blank=True)
    logprob = models.FloatField(null=True, blank=True, help_text="Sum over the tokens, natural log; null: unknown.")
    seed = models.BigIntegerField(null=True, blank=True)
    params = models.JSONField(default=dict, blank=True, help_text="SamplingParams as used.")
    provenance = models.JSONField(
        default=dict,
        blank=True,
        help_text="weights_hash, engine, library versions, template_hash, prompt_hash, device, dtype.",
    )
    queue_ms = models.PositiveIntegerField(null=True, blank=True)
    generation_ms = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["request", "index"]
        constraints = [
            models.UniqueConstraint(fields=["request", "index"], name="completion_once_per_request_and_index"),
            models.CheckConstraint(
                name="completion_provided_or_sampled",
                condition=(
                    Q(request__isnull=True, finish_reason="provided")
                    | Q(request__isnull=False, model_version__isnull=False) & ~Q(finish_reason="provided")
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.text[:60]

    @property
    def model_name(self) -> str:
        """Public name of whatever wrote the text, empty where nobody said."""
        return self.model_version.public_name if self.model_version else self.model_label


from sampler.reward_models import RewardScore as RewardScore  # noqa: E402  (its rows belong to this app)
