"""Reward models: a sequence-classification checkpoint with one output, as TRL's RewardTrainer and
`training.reward` write it."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from generation.checkpoints import CannotLoad, weight_files, weights_hash
from generation.devices import best_device
from generation.loading import checkpoint_folder, load_config, load_reward_model, load_tokenizer, silence_progress
from generation.scoring import encode, longest_conversation, score
from generation.types import Model, Tokenizer
from sampler.classifiers.base import Conversation

BATCH_TOKENS = 4096  # padded tokens of one forward pass


class RewardModel:
    labels = ("reward",)

    def __init__(self, model: Model, tokenizer: Tokenizer, weights_hash: str) -> None:
        self.tokenizer = tokenizer
        self.pad = tokenizer.pad_token_id or 0 if model.config.pad_token_id is None else model.config.pad_token_id
        model.config.pad_token_id = self.pad
        model.eval()
        self.model = model
        self.max_length = longest_conversation(model.config)
        self.weights_hash = weights_hash

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
                values = score(self.model, [encoded[i] for i in batch], self.pad)
                found.update(zip(batch, values.tolist(), strict=True))
        return [(found[i],) for i in range(len(encoded))]

    def close(self) -> None:
        del self.model
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


class RewardLoader:
    kind = "reward"

    def load(self, location: str, revision: str = "") -> RewardModel:
        """Load a checkpoint from a folder or the hub. Weights are safetensors; no code of the checkpoint is run.

        Raises:
            CannotLoad: with a sentence for the operator.
        """
        if not location:
            raise CannotLoad("A reward model needs a location: a folder, or a model's name on the hub.")
        silence_progress()  # whoever asked for scores says how far they are
        config = load_config(location, revision)
        kinds = [name for name in config.architectures or [] if name.endswith("ForSequenceClassification")]
        if not kinds or config.num_labels != 1:
            raise CannotLoad(
                f"{location!r} is not a reward model: it takes a sequence-classification checkpoint with one output."
            )
        tokenizer = load_tokenizer(location, revision)
        model = load_reward_model(location, revision, device=best_device())
        return RewardModel(model, tokenizer, weights_hash(weight_files(checkpoint_folder(location, revision))))


CLASSIFIER = RewardLoader()
