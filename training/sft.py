"""Supervised fine-tuning on an export folder: `python -m training.sft EXPORT BASE OUT`.

Trains on the answers of `sft`, or on the first places of the rankings (`--source chosen`), with the loss
on the answer's tokens only and the prompt rendered as the hf engine renders it: system turn explicit.
Larger models train with `recipes/sft.py` on the same folder (docs/training.md).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from common.shapes import JsonObject, Message
from generation import checkpoints
from generation.checkpoints import CannotLoad, weight_files, weights_hash
from generation.loading import load_policy, load_tokenizer
from generation.prompts import NONE, TEMPLATE, TEXT, with_system
from generation.scoring import longest_conversation, padded
from generation.types import Config, Model, Tokenizer
from training import command, folders
from training.accelerated import accelerator_for, adapted
from training.command import Tell
from training.fit import Fitting, Loop
from training.folders import Answer, BadFolder
from training.options import option
from training.record import Record

IGNORED = -100  # label of a token that the loss does not see
Example = tuple[list[int], int]  # token ids, and where the answer begins


@dataclass(frozen=True)
class Settings(Fitting):
    epochs: float = option(2.0, "passes over the data; may be a part of one")
    batch_size: int = option(8, "answers of a step, over all devices")
    learning_rate: float = option(2e-5, "at its height")
    source: str = option("", "answers of sft, or the first places of rankings; default: sft where it is there",
                         ["", "sft", "chosen"])  # fmt: skip
    system_prompt: str = option("", "put first where a prompt has no system turn")
    system_turn: str = option(TEXT, "whose that turn is, as the model is served", [TEXT, NONE, TEMPLATE])


def train(
    *, export: Path, base: Path, out: Path, settings: Settings | None = None, tell: Tell = lambda text: None
) -> JsonObject:
    """Train, save to `out`, and return what is known of the result: `training.json` beside the weights.

    Raises:
        BadFolder, CannotLoad, checkpoints.OutExists: with a sentence.
    """
    s = settings or Settings()
    checkpoints.check_free(out)
    began = time.monotonic()
    torch.manual_seed(s.seed)
    accelerator = accelerator_for(s)
    tokenizer = load_tokenizer(str(base))
    model = load_policy(str(base), accelerator.device)
    data, held_out = (read(export, split, tokenizer, model.config, s) for split in ("train", "test"))
    if not data:
        raise BadFolder(f"{export} has no answer to train on that fits into {s.max_length} tokens.")
    tell(f"{len(data)} answers to train on, {len(held_out)} held out")
    parent = weights_hash(weight_files(base))
    origin = {**folders.origin(export), "base": base.name, "parent_sha256": parent}
    record = Record(out, {**asdict(s), **origin}, accelerator, tell)
    pad = tokenizer.pad_token_id or 0
    loop = Loop[Example](
        accelerator, s, record, lambda model, batch: loss_of(model, batch, pad),
        lambda batch: sum(len(ids) - start for ids, start in batch),
    )  # fmt: skip
    trained, fitted = loop.fit(adapted(model, s, "policy"), data, held_out)
    facts: JsonObject = {
        "kind": "sft", **origin, "answers": len(data), "held_out_answers": len(held_out), **fitted.facts(),
        "seconds": round(time.monotonic() - began, 1), "options": asdict(s),
    }  # fmt: skip
    record.finish(trained, tokenizer, facts, fitted.panels())
    return facts


def read(export: Path, split: str, tokenizer: Tokenizer, config: Config, s: Settings) -> list[Example]:
    """The answers of a split, those that are too long left out."""
    limit = longest_conversation(config, s.max_length)
    answers = folders.answers(export, split, source=s.source)
    found = [encode(tokenizer, one, s.system_prompt, s.system_turn) for one in answers]
    return [example for example in found if len(example[0]) <= limit]


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
    """Summed over the answers' tokens."""
    ids, mask = padded([tokens for tokens, _ in batch], pad)
    labels = torch.full_like(ids, IGNORED)
    for row, (tokens, start) in enumerate(batch):
        labels[row, start : len(tokens)] = torch.tensor(tokens[start:])
    device = model.device
    output = model(input_ids=ids.to(device), attention_mask=mask.to(device), use_cache=False)
    wanted = labels[:, 1:].to(device)
    seen = wanted != IGNORED  # the prompt's logits, most of them, are never made 32 bits wide
    return torch.nn.functional.cross_entropy(output.logits[:, :-1][seen].float(), wanted[seen], reduction="sum")


def main(arguments: Sequence[str] | None = None) -> int:
    return command.run(
        "sft", __doc__, Settings,
        lambda o, s: train(export=o.export, base=o.base, out=o.out, settings=s, tell=command.tell),
        arguments, export="an export folder with sft, preferences or rankings",
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
