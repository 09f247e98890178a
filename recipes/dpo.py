"""Direct preference optimisation with TRL on the configuration `preferences`: no reward model, no drawing.

accelerate launch -m recipes.dpo --dataset_name EXPORT --model_name_or_path policy-1 --output_dir policy-2
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from recipes.common import Recipe


def main(arguments: Sequence[str] | None = None) -> int:
    recipe = Recipe("DPOConfig", "preferences", arguments)
    kind = recipe.trl.DPOTrainer
    return recipe.train(kind(**recipe.options(kind)))


if __name__ == "__main__":
    sys.exit(main())
