"""RLOO with TRL on the configuration `prompts`, against a reward model; `--use_vllm` draws with vLLM.

    accelerate launch -m recipes.rloo --dataset_name EXPORT --model_name_or_path policy-1 \\
        --reward_model_name_or_path rm-1 --output_dir policy-2
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from recipes.online import train


def main(arguments: Sequence[str] | None = None) -> int:
    return train("RLOO", arguments)


if __name__ == "__main__":
    sys.exit(main())
