"""A reward model with TRL on the configuration `preferences`, each pair with its exported `weight`.

    accelerate launch -m recipes.reward --dataset_name EXPORT --model_name_or_path policy-1 --output_dir rm-1

TRL's own trainer takes pairs one by one and leaves `weight` out: a ranking of nine would count 36 times one of two.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

import torch
from trl import RewardTrainer
from trl.trainer.reward_trainer import DataCollatorForPreference

from recipes.common import Recipe


class WeightedCollator(DataCollatorForPreference):  # type: ignore[misc]
    """Carries the weights of the pairs beside their tokens."""

    def torch_call(self, examples: list[dict[str, list[int] | float]]) -> dict[str, torch.Tensor]:
        batch: dict[str, torch.Tensor] = super().torch_call(examples)
        batch["weight"] = torch.tensor([example["weight"] for example in examples], dtype=torch.float)
        return batch


class WeightedRewardTrainer(RewardTrainer):  # type: ignore[misc]
    """Each pair's loss times its weight over the mean weight of the training data."""

    def __init__(self, **options: object) -> None:
        super().__init__(**options)
        self.data_collator = WeightedCollator(pad_token_id=self.processing_class.pad_token_id)
        self.mean_weight = float(sum(self.train_dataset["weight"]) / len(self.train_dataset))

    def _set_signature_columns_if_needed(self) -> None:
        super()._set_signature_columns_if_needed()
        columns: list[str] = getattr(self, "_signature_columns", [])
        self._signature_columns = [*columns, "weight"]

    def compute_loss(
        self, model: torch.nn.Module, inputs: Mapping[str, torch.Tensor], return_outputs: bool = False, **more: object
    ) -> torch.Tensor | tuple[torch.Tensor, object]:
        """TRL's loss and figures, and then the difference that the weights make."""
        rest = {name: value for name, value in inputs.items() if name != "weight"}
        loss: torch.Tensor
        loss, outputs = super().compute_loss(model, rest, return_outputs=True, **more)
        chosen, rejected = torch.chunk(outputs.logits.squeeze(-1), chunks=2)
        losses = -torch.nn.functional.logsigmoid(chosen - rejected)
        loss = loss + ((inputs["weight"].to(losses.device) / self.mean_weight - 1) * losses).mean()
        return (loss, outputs) if return_outputs else loss


def main(arguments: Sequence[str] | None = None) -> int:
    recipe = Recipe("RewardConfig", "preferences", arguments)
    return recipe.train(WeightedRewardTrainer(**recipe.options(RewardTrainer)))


if __name__ == "__main__":
    sys.exit(main())
