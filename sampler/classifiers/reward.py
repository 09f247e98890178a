"""Reward models: a sequence-classification checkpoint with one output, as TRL's RewardTrainer and
`sampler.classifiers._train_reward` write it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from sampler.classifiers._encode import encode, fitting, load_tokenizer, score
from sampler.classifiers.base import CannotLoad, Conversation
from sampler.engines._load import best_device, weight_files, weights_hash

KIND = "reward"
BATCH_TOKENS = 4096  # padded tokens of one forward pass


def load(location: str, revision: str = "") -> RewardModel:
    """Load a checkpoint from a folder or the hub. Weights are safetensors; no code of the checkpoint is run.

    Raises:
        CannotLoad: with a sentence for the operator.
    """
    return RewardModel(location, revision)


class RewardModel:
    labels = ("reward",)

    def __init__(self, location: str, revision: str = "") -> None:
        from transformers import AutoConfig, AutoModelForSequenceClassification
        from transformers.utils import logging

        if not location:
            raise CannotLoad("A reward model needs a location: a folder, or a model's name on the hub.")
        logging.disable_progress_bar()  # whoever asked for scores says how far they are
        kwargs: dict[str, Any] = {"revision": revision or "main"}
        try:
            config = AutoConfig.from_pretrained(location, **kwargs)
        except (OSError, ValueError) as error:
            raise CannotLoad(f"No model at {location!r}: {str(error).splitlines()[0]}") from None
        kinds = [name for name in config.architectures or [] if name.endswith("ForSequenceClassification")]
        if not kinds or config.num_labels != 1:
            raise CannotLoad(
                f"{location!r} is no reward model: it takes a sequence-classification checkpoint with one output."
            )
        self.tokenizer = load_tokenizer(location, revision)
        try:
            self.model = AutoModelForSequenceClassification.from_pretrained(
                location, dtype=torch.float32, use_safetensors=True, **kwargs
            )
        except (OSError, ValueError, RuntimeError) as error:
            raise CannotLoad(f"The weights at {location!r} cannot be read: {str(error).splitlines()[0]}") from None
        if self.model.config.pad_token_id is None:
            self.model.config.pad_token_id = self.tokenizer.pad_token_id
        self.model.to(best_device()).eval()
        self.max_length = fitting(getattr(config, "max_position_embeddings", None))
        self.weights_hash = weights_hash(weight_files(_folder(location, revision)))

    def scores(self, conversations: Sequence[Conversation]) -> list[tuple[float, ...]]:
        """Longer conversations lose their beginning: the answer stands at the end."""
        encoded = [encode(self.tokenizer, one)[-self.max_length :] for one in conversations]
        order = sorted(range(len(encoded)), key=lambda i: len(encoded[i]))
        found: dict[int, float] = {}
        with torch.inference_mode():
            while order:
                size = 1
                while size < len(order) and (size + 1) * len(encoded[order[size]]) <= BATCH_TOKENS:
                    size += 1
                batch, order = order[:size], order[size:]
                values = score(self.model, [encoded[i] for i in batch], self.model.config.pad_token_id)
                found.update(zip(batch, values.tolist(), strict=True))
        return [(found[i],) for i in range(len(encoded))]

    def close(self) -> None:
        del self.model
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def _folder(location: str, revision: str) -> Path:
    """The checkpoint's folder on this machine, the hub's cache included."""
    if Path(location).is_dir():
        return Path(location)
    from transformers.utils import cached_file

    return Path(str(cached_file(location, "config.json", revision=revision or "main"))).parent
