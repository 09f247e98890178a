"""What a model wrote, or somebody brought. Writes: `sampler/results.py` and `sampler/sampling.py`."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from sampler.models.requests import SampleRequest
from sampler.models.versions import ModelVersion


class Completion(models.Model):
    """One text: sampled by an engine, or provided from outside (then without a request)."""

    WHOLE = ("stop", "length")  # the reasons after which a text is an answer, if perhaps a cut one

    class FinishReason(models.TextChoices):
        STOP = "stop", "Ended by itself or at a stop string"
        LENGTH = "length", "Cut at max_tokens"
        CONTENT_FILTER = "content_filter", "Withheld by a filter of the server"
        TOOL_CALLS = "tool_calls", "Ended with a call of a tool"
        REASONING = "reasoning", "Reasoned and did not answer"
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
    finish_reason = models.CharField(max_length=20, choices=FinishReason.choices)
    withheld = models.CharField(
        max_length=7, blank=True, db_default="",
        help_text='By the content filter: "waiting" for its verdict or "blocked"; empty: it may be shown and used.',
    )  # fmt: skip
    reasoning = models.TextField(blank=True, help_text="What a reasoning model said before it answered.")
    reasoning_tokens = models.PositiveIntegerField(null=True, blank=True, help_text="Null: not counted apart.")
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
    def screened_text(self) -> str:
        """All that a reader may be shown of it."""
        return f"{self.reasoning}\n\n{self.text}" if self.reasoning else self.text

    @property
    def is_cut(self) -> bool:
        """Whether its model was stopped at the limit of tokens."""
        return self.finish_reason == self.FinishReason.LENGTH

    @property
    def cut_short(self) -> str:
        """What ended it before its end: "length", "cancelled" by a person, or nothing, which is empty."""
        return self.finish_reason if self.finish_reason in CUT_SHORT else ""

    @property
    def model_name(self) -> str:
        """Public name of whatever wrote the text, empty where nobody said."""
        return self.model_version.public_name if self.model_version else self.model_label


CUT_SHORT = (Completion.FinishReason.LENGTH, Completion.FinishReason.CANCELLED)
