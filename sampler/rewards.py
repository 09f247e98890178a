"""Scores of reward models: every write to `RewardScore`. Knows completions and the prompts handed in with them.

Scoring runs in the process of whoever calls, through the plugin `sampler/classifiers/reward.py`; the web
and the default worker never do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from itertools import islice
from uuid import UUID

from sampler import registry
from sampler.classifiers.base import CLASSIFIERS, CannotLoad, Classifier, Conversation
from sampler.models import ModelVersion, RewardScore

PLUGIN_OF_ENGINE = {"hf": "reward"}
BATCH = 32

Item = tuple[UUID, Conversation]  # a completion, and the conversation that ends with it


def load(model_version: ModelVersion) -> Classifier:
    """The reward model, ready to score; what is known of its weights is kept with its row.

    Raises:
        ValueError: it is not a reward model, is retired, cannot be loaded, or its weights changed under its name.
    """
    if model_version.role != ModelVersion.Role.REWARD:
        raise ValueError(f"{model_version.slug} is a policy: it writes text and scores none.")
    if model_version.state == ModelVersion.State.RETIRED:
        raise ValueError(f"{model_version.slug} is retired.")
    plugin = PLUGIN_OF_ENGINE.get(model_version.engine)
    if plugin is None:
        raise ValueError(f"Reward models run under the hf engine; {model_version.slug} has {model_version.engine}.")
    try:
        classifier = CLASSIFIERS.load(plugin).load(model_version.location, model_version.revision)
        registry.mark_loaded(
            model_version_id=model_version.pk, weights_hash=classifier.weights_hash, template_hash="", batching={}
        )
    except (CannotLoad, ValueError) as error:
        registry.mark_failed(model_version_id=model_version.pk, reason=str(error)[:2000])
        raise ValueError(f"{model_version.slug} cannot be used: {error}") from None
    model_version.refresh_from_db()
    return classifier


def unscored(model_version: ModelVersion, completion_ids: Iterable[UUID]) -> set[UUID]:
    """Those of the completions that it has not scored yet."""
    ids = set(completion_ids)
    return ids - set(model_version.reward_scores.filter(completion__in=ids).values_list("completion_id", flat=True))


def score(
    *,
    model_version: ModelVersion,
    items: Iterable[Item],
    classifier: Classifier,
    progress: Callable[[int], None] = lambda done: None,
) -> int:
    """Score these completions and keep the scores, batch by batch, so that a run cut short is continued.

    A score that is there already stays: the same weights say the same.

    Raises:
        ValueError: the model gave something that is not a number.
    """
    waiting = iter(items)
    done = 0
    while batch := list(islice(waiting, BATCH)):
        values = [value for (value,) in classifier.scores([conversation for _, conversation in batch])]
        if not all(math.isfinite(value) for value in values):
            raise ValueError(f"{model_version.slug} gave a score that is not a number.")
        RewardScore.objects.bulk_create(
            (
                RewardScore(completion_id=completion_id, model_version=model_version, score=value)
                for (completion_id, _), value in zip(batch, values, strict=True)
            ),
            ignore_conflicts=True,
        )
        done += len(batch)
        progress(done)
    return done
