"""The options of `python -m training.ppo`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from pathlib import Path

from generation.prompts import NONE, TEMPLATE, TEXT
from training.folders import BadFolder
from training.options import Common, option

PPO, RLOO = "ppo", "rloo"


@dataclass(frozen=True)
class Settings(Common):
    algorithm: str = option(PPO, "a value head, or the other answers to the prompt as the baseline", [PPO, RLOO])
    iterations: int = option(20, "times that answers are drawn and learnt from")
    answers_per_iteration: int = option(48, "over all devices")
    answers_per_prompt: int = option(1, "rloo: at least 2")
    epochs: int = option(2, "passes over the answers of an iteration")
    minibatch_size: int = option(16, "answers of a step, over all devices")
    learning_rate: float = option(1e-5, "at its height")
    beta: float = option(0.05, "price of a nat of KL, in deviations of the first policy's reward")
    max_kl: float = option(0.0, "nats an answer: above it, the run stops with the weights before; 0: none")
    unended_penalty: float = option(1.0, "deviations, for an answer that does not end within its tokens")
    length_controlled: bool = option(False, "take off the reward what length explains of it in an iteration")
    gamma: float = option(1.0, "discount of later tokens")
    lam: float = option(0.95, "of generalised advantage estimation")
    clip: float = option(0.2, "of the ratio, and of the value's move")
    value_coefficient: float = option(0.1, "of the value's loss")
    ptx: str = option("", "export folder whose sft answers are mixed in (PPO-ptx)")
    ptx_coefficient: float = option(1.0, "of their loss a token")
    max_tokens: int = option(64, "of an answer")
    temperature: float = option(1.0, "that answers are drawn at")
    stop: str = option("", "strings that end an answer, separated by |; \\n is a new line")
    rows: int = option(64, "answers that are drawn together on a device")
    system_prompt: str = option("", "put first where a prompt has no system turn")
    system_turn: str = option(TEXT, "whose that turn is, as the model is served", [TEXT, NONE, TEMPLATE])


def check(s: Settings, processes: int) -> None:
    """Raise BadFolder where the numbers do not fit together."""
    if s.algorithm == RLOO and s.answers_per_prompt < 2:
        raise BadFolder("rloo compares the answers to a prompt: --answers-per-prompt has to be 2 or more.")
    for name, size in (
        ("answers of an iteration", s.answers_per_iteration // s.answers_per_prompt),
        ("minibatch", s.minibatch_size),
    ):
        if size < 1 or size % processes:
            raise BadFolder(f"The {name} cannot be shared by {processes} processes.")


def add_reward_model(parser: ArgumentParser) -> None:
    """As a folder among the others, or as an option."""
    parser.add_argument("reward", type=Path, nargs="?", help="folder that training.reward wrote")
    parser.add_argument("--reward-model", type=Path, help="the same, in place of REWARD")


def reward_model_of(parsed: Namespace) -> Path:
    """The one that was named.

    Raises:
        BadFolder: none was.
    """
    found: Path | None = parsed.reward or parsed.reward_model
    if found is None:
        raise BadFolder("A reward model is missing: EXPORT BASE REWARD OUT.")
    return found
