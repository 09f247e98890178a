"""What RLOO and GRPO share: answers are drawn while training, and a reward model scores them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from recipes.common import Recipe


@dataclass
class Judge:
    """The option beside TRL's own."""

    reward_model_name_or_path: str = field(metadata={"help": "folder of a reward model"})


def train(method: str, arguments: Sequence[str] | None) -> int:
    """`method` as TRL spells it."""
    recipe = Recipe(f"{method}Config", "prompts", arguments, [Judge])
    kind = getattr(recipe.trl, f"{method}Trainer")
    return recipe.train(kind(**recipe.options(kind), reward_funcs=recipe.more[0].reward_model_name_or_path))
