"""Supervised fine-tuning with TRL on the configuration `sft`; the loss is on the answers only.

accelerate launch -m recipes.sft --dataset_name EXPORT --model_name_or_path BASE --output_dir policy-1
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from recipes.common import Recipe


def main(arguments: Sequence[str] | None = None) -> int:
    recipe = Recipe("SFTConfig", "sft", arguments)
    kind = recipe.trl.SFTTrainer
    return recipe.train(kind(**recipe.options(kind)))


if __name__ == "__main__":
    sys.exit(main())
