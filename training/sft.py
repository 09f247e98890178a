"""Supervised fine-tuning on an export folder: `python -m training.sft EXPORT BASE OUT`.

Trains on the answers of `sft`, or on the first places of the rankings (`--source chosen`), with the loss
on the answer's tokens only and the prompt rendered as the hf engine renders it: system turn explicit.
Larger models train with TRL on the same folder (docs/formats.md).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

import torch

from common.shapes import Message
from generation import checkpoints
from generation.checkpoints import CannotLoad
from generation.devices import training_device
from generation.loading import load_policy, load_tokenizer
from generation.prompts import NONE, TEMPLATE, TEXT, with_system
from generation.scoring import longest_conversation, padded
from generation.types import Config, Model, Tokenizer
from training import command, folders
from training.command import Tell
from training.fit import fit
from training.folders import Answer, BadFolder

IGNORED = -100  # label of a token that the loss does not see
Example = tuple[list[int], int]  # token ids, and where the answer begins


@dataclass(frozen=True)
class Settings:
    steps: int = 6
    answers_per_step: int = 4
    learning_rate: float = 2e-5
    seed: int = 0
    source: str = ""  # sft or chosen; empty: sft where it is there
    system_prompt: str = ""  # put first where a prompt has no system turn
    system_turn: str = TEXT  # whose that turn is: text, none or template


@dataclass(frozen=True)
class Facts:
    """What is known of the result; `training.json` beside the weights."""

    kind: str
    base: str
    steps: int
    answers_per_step: int
    learning_rate: float
    seed: int
    answers: int
    first_loss: float
    last_loss: float
    seconds: float


def train(
    *, export: Path, base: Path, out: Path, settings: Settings | None = None, tell: Tell = lambda text: None
) -> Facts:
    """Train, save to `out`, and return what is known of the result.

    Raises:
        BadFolder, CannotLoad, checkpoints.OutExists: with a sentence.
    """
    settings = settings or Settings()
    checkpoints.check_free(out)
    began = time.monotonic()
    torch.manual_seed(settings.seed)
    tokenizer = load_tokenizer(str(base))
    model = load_policy(str(base), training_device())
    examples = read(export, tokenizer, model.config, settings, tell)
    losses = fit(
        model,
        examples,
        lambda batch: loss_of(model, batch, tokenizer.pad_token_id or 0),
        steps=settings.steps,
        size=settings.answers_per_step,
        learning_rate=settings.learning_rate,
        rng=Random(settings.seed),
        tell=tell,
    )
    facts = Facts(
        kind="sft", base=base.name, steps=settings.steps, answers_per_step=settings.answers_per_step,
        learning_rate=settings.learning_rate, seed=settings.seed, answers=len(examples),
        first_loss=round(losses[0], 4), last_loss=round(losses[-1], 4), seconds=round(time.monotonic() - began, 1),
    )  # fmt: skip
    checkpoints.save(model, tokenizer, out, facts=asdict(facts))
    return facts


def read(export: Path, tokenizer: Tokenizer, config: Config, settings: Settings, tell: Tell) -> list[Example]:
    """The answers to train on, those that are too long left out.

    Raises:
        BadFolder: there is none.
    """
    limit = longest_conversation(config)
    answers = folders.answers(export, "train", source=settings.source)
    found = [encode(tokenizer, one, settings.system_prompt, settings.system_turn) for one in answers]
    examples = [example for example in found if len(example[0]) <= limit]
    if not examples:
        raise BadFolder(f"{export} has no answer to train on.")
    tell(f"{len(examples)} answers to train on, {len(found) - len(examples)} over {limit} tokens left out")
    return examples


def encode(tokenizer: Tokenizer, one: Answer, system_prompt: str = "", system_turn: str = TEXT) -> Example:
    """The prompt as it is sampled from, then the answer up to and with the end of its turn; a cut one has no end."""
    prompt = with_system(one.prompt, system_prompt, system_turn)
    answered = [*prompt, Message(role="assistant", content=one.text)]
    head = tokenizer.apply_chat_template(prompt, tokenize=False, add_generation_prompt=True)
    whole = tokenizer.apply_chat_template(answered, tokenize=False)
    if not whole.startswith(head):
        raise CannotLoad("The chat template writes an answered prompt differently: the answer cannot be told from it.")
    if one.cut:
        text = one.text.strip()
        at = whole.find(text, len(head))
        whole = whole[: at + len(text)] if at >= 0 else whole[: len(head)] + text
    before = tokenizer(head, add_special_tokens=False)["input_ids"]
    answer = tokenizer(whole[len(head) :].rstrip("\n"), add_special_tokens=False)["input_ids"]
    return [*before, *answer], len(before)


def loss_of(model: Model, batch: Sequence[Example], pad: int) -> torch.Tensor:
    """The mean over the answers' tokens."""
    ids, mask = padded([tokens for tokens, _ in batch], pad)
    labels = torch.full_like(ids, IGNORED)
    for row, (tokens, start) in enumerate(batch):
        labels[row, start : len(tokens)] = torch.tensor(tokens[start:])
    device = model.device
    output = model(input_ids=ids.to(device), attention_mask=mask.to(device), labels=labels.to(device), use_cache=False)
    assert output.loss is not None
    return output.loss


def main(arguments: Sequence[str] | None = None) -> int:
    parser = command.parser(
        "sft", __doc__, export="an export folder with sft, preferences or rankings",
        out="folder of the new model; must not exist",
    )  # fmt: skip
    parser.add_argument("--steps", type=int, default=Settings.steps)
    parser.add_argument("--answers-per-step", type=int, default=Settings.answers_per_step)
    parser.add_argument("--learning-rate", type=float, default=Settings.learning_rate)
    parser.add_argument("--source", choices=["sft", "chosen"], default="", help="default: sft where it is there")
    parser.add_argument("--system-turn", choices=[TEXT, NONE, TEMPLATE], default=TEXT, help="as the model is served")
    parser.add_argument("--system-prompt", default="", help="put first where a prompt has no system turn")
    o = parser.parse_args(arguments)
    settings = Settings(
        steps=o.steps, answers_per_step=o.answers_per_step, learning_rate=o.learning_rate, seed=o.seed,
        source=o.source, system_prompt=o.system_prompt, system_turn=o.system_turn,
    )  # fmt: skip
    return command.run(
        o, lambda tell: asdict(train(export=o.export, base=o.base, out=o.out, settings=settings, tell=tell))
    )


if __name__ == "__main__":
    sys.exit(main())
