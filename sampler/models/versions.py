"""Which models exist. Writes: `sampler/registry.py`."""

from __future__ import annotations

import uuid

from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q, Value

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

    class SystemTurn(models.TextChoices):
        TEXT = "text", "The text below; an empty turn where there is none"
        NONE = "none", "An empty turn"  # explicit, since some templates otherwise slip in one of their own
        TEMPLATE = "template", "As the template has it"

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
    system_turn = models.CharField(
        max_length=10, choices=SystemTurn.choices, default=SystemTurn.TEXT,
        help_text="What a dialogue without a system turn begins with.",
    )  # fmt: skip
    system_prompt = models.TextField(blank=True, help_text="Put first where a dialogue has no system turn.")
    context_limit = models.PositiveIntegerField(
        null=True, blank=True, help_text="Tokens, prompt and answer together; empty: the model's own."
    )
    default_params = models.JSONField(default=dict, blank=True, help_text="Sampling parameters, e.g. temperature.")
    dialect = models.CharField(
        max_length=30, blank=True, help_text="A file of sampler/dialects, e.g. vllm; empty: the server is asked."
    )
    concurrency = models.PositiveIntegerField(
        default=256, validators=[MinValueValidator(1)], help_text="Samples at a model server at once."
    )
    template_arguments = models.JSONField(
        default=dict, blank=True, help_text='chat_template_kwargs, e.g. {"enable_thinking": false}.'
    )
    extra_body = models.JSONField(
        default=dict, blank=True, help_text="Fields that go into every request to the model server as they stand."
    )
    capabilities = models.JSONField(default=dict, blank=True, help_text="What the server was found to do, and when.")
    control_tokens = models.JSONField(
        default=list, db_default=Value([], models.JSONField()), blank=True,
        help_text="Special tokens of its tokenizer: no text that comes in may hold one.",
    )  # fmt: skip
    control_tokens_at = models.DateTimeField(null=True, blank=True, help_text="Since when they are known.")
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
    def reads_at_most(self) -> int | None:
        """Tokens of a prompt and its answer together; None where nobody said, and no worker or server told."""
        told = self.capabilities.get("context")
        return self.context_limit or (told if isinstance(told, int) else None)

    @property
    def public_name(self) -> str:
        """`slug@weights-hash`, as exports write it."""
        return f"{self.slug}@{self.weights_hash[:12] or 'unknown'}"
