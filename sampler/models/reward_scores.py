"""What reward models said of completions. Writes: `sampler/rewards.py`."""

from __future__ import annotations

from django.db import models


class RewardScore(models.Model):
    """One completion's score by one reward model, read after the prompt that the completion answers.

    Only differences between completions of one prompt mean something: Bradley-Terry fixes no zero.
    """

    completion = models.ForeignKey("sampler.Completion", on_delete=models.CASCADE, related_name="reward_scores")
    model_version = models.ForeignKey("sampler.ModelVersion", on_delete=models.PROTECT, related_name="reward_scores")
    score = models.FloatField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["model_version", "completion"]
        constraints = [
            models.UniqueConstraint(fields=["completion", "model_version"], name="reward_score_once_per_model"),
        ]

    def __str__(self) -> str:
        return f"{self.score:+.3f} by {self.model_version_id}"
