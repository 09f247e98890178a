"""Models that an operator wants to connect, while a worker tries them. Writes: `sampler/trials.py`."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class ModelTrial(models.Model):
    """One line sampled from a model before it is registered, and what stood in the way. Throw-away: kept for a week."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"  # for a worker
        RUNNING = "running", "Running"  # `worker` is at it
        WORKED = "worked", "Worked"  # `text` is what the model said
        FAILED = "failed", "Failed"  # `trouble` says why

    TRANSITIONS: dict[str, frozenset[str]] = {
        State.WAITING: frozenset({State.RUNNING, State.FAILED}),
        State.RUNNING: frozenset({State.WORKED, State.FAILED}),
        State.WORKED: frozenset(),
        State.FAILED: frozenset(),
    }

    class Trouble(models.TextChoices):
        HOST = "host", "The name server does not know the address"
        FORBIDDEN = "forbidden", "The address is one that workers do not call"
        AWAY = "away", "Nothing answers at the address"
        KEY_UNSET = "key unset", "The worker has no such environment variable"
        KEY = "key", "The server refuses the key"
        NAME = "name", "The server has no model of that name"
        FOLDER = "folder", "There is no such folder on the worker's machine"
        WEIGHTS = "weights", "The folder holds no weights"
        MEMORY = "memory", "There is no room for it beside what is loaded"
        SLOW = "slow", "It did not answer in time"
        LOAD = "load", "It could not be loaded"
        ANSWER = "answer", "It was loaded, and could not answer"
        LOST = "lost", "The worker ended while it tried"

    slug = models.CharField(max_length=80)
    engine = models.CharField(max_length=30)
    location = models.CharField(max_length=500)
    remote_name = models.CharField(max_length=200, blank=True)
    api_key_env = models.CharField(max_length=80, blank=True)
    system_prompt = models.TextField(blank=True)
    context_limit = models.PositiveIntegerField(null=True, blank=True)
    params = models.JSONField(default=dict, blank=True, help_text="Sampling parameters, e.g. temperature.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    trouble = models.CharField(max_length=12, choices=Trouble.choices, blank=True)
    said = models.TextField(blank=True, help_text="The trouble in the words of the engine or its server.")
    offered = models.JSONField(default=list, blank=True, help_text="Names of the models that the server has.")
    speaks = models.CharField(max_length=30, blank=True, help_text="The dialect that the server was found to speak.")
    text = models.TextField(blank=True)
    load_seconds = models.FloatField(null=True, blank=True)
    answer_seconds = models.FloatField(null=True, blank=True)
    worker = models.CharField(max_length=120, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                name="model_trial_failed_has_trouble", condition=~Q(state="failed") | ~Q(trouble="")
            ),
        ]
        indexes = [
            models.Index(fields=["created_at"], name="model_trials_open", condition=Q(finished_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.slug} ({self.state})"
