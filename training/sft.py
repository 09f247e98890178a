"""A few steps of supervised fine-tuning on an export folder: `python -m sampler.engines._train_sft EXPORT BASE OUT`.

Trains on the answers of `sft`, or on the first places of the rankings (`--source chosen`), with the loss
on the answer's tokens only and the prompt rendered as the hf engine renders it: system turn explicit.
Larger models train with TRL on the same folder (docs/formats.md). Needs no database.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import torch

from sampler import checkpoints, training_data
from sampler.classifiers._encode import fitting, load_tokenizer, quiet
from sampler.classifiers._loop import fit
from sampler.classifiers.base import CannotLoad
from sampler.prompts import with_system
from sampler.training_data import Answer, BadFolder

IGNORED = -100  # label of a token that the loss does not see
Example = tuple[list[int], int]  # token ids, and where the answer begins


def train(
    *,
    export: str | Path,
    base: str | Path,
    out: str | Path,
    steps: int = 6,
    answers_per_step: int = 4,
    learning_rate: float = 2e-5,
    seed: int = 0,
    source: str = "",
    system_prompt: str = "",
    tell: Any = lambda text: None,
) -> dict[str, Any]:
    """Train, save to `out`, and return what is known of the result.

    Raises:
        BadFolder, CannotLoad, checkpoints.OutExists: with a sentence.
    """
    from transformers import AutoModelForCausalLM

    checkpoints.check_free(out)
    began = time.monotonic()
    torch.manual_seed(seed)
    tokenizer = load_tokenizer(str(base))
    try:
        model: Any = AutoModelForCausalLM.from_pretrained(str(base), dtype=torch.float32, use_safetensors=True)
    except (OSError, ValueError) as error:
        raise CannotLoad(f"No model at {str(base)!r}: {str(error).splitlines()[0]}") from None
    model.to("cuda" if torch.cuda.is_available() else "cpu")
    limit = fitting(getattr(model.config, "max_position_embeddings", None))
    found = [encode(tokenizer, one, system_prompt) for one in training_data.answers(export, "train", source=source)]
    examples = [example for example in found if len(example[0]) <= limit]
    if not examples:
        raise BadFolder(f"{export} has no answer to train on.")
    tell(f"{len(examples)} answers to train on, {len(found) - len(examples)} over {limit} tokens left out")
    losses = fit(
        model,
        examples,
        lambda batch: loss_of(model, batch, tokenizer.pad_token_id),
        steps=steps,
        size=answers_per_step,
        learning_rate=learning_rate,
        rng=Random(seed),
        tell=tell,
    )
    facts = {
        "kind": "sft",
        "base": Path(base).name,
        "steps": steps,
        "answers_per_step": answers_per_step,
        "learning_rate": learning_rate,
        "seed": seed,
        "answers": len(examples),
        "first_loss": round(losses[0], 4),
        "last_loss": round(losses[-1], 4),
        "seconds": round(time.monotonic() - began, 1),
    }
    checkpoints.save(model, tokenizer, out, facts=facts)
    return facts


def encode(tokenizer: Any, one: Answer, system_prompt: str) -> Example:
    """The prompt as it is sampled from, then the answer up to and with the end of its turn."""
    prompt = with_system(one.prompt, system_prompt)
    head = tokenizer.apply_chat_template(prompt, tokenize=False, add_generation_prompt=True)
    whole = tokenizer.apply_chat_template([*prompt, {"role": "assistant", "content": one.text}], tokenize=False)
    if not whole.startswith(head):
        raise CannotLoad("The chat template writes an answered prompt differently: the answer cannot be told from it.")
    before = tokenizer(head, add_special_tokens=False)["input_ids"]
    answer = tokenizer(whole[len(head) :].rstrip("\n"), add_special_tokens=False)["input_ids"]
    return [*before, *answer], len(before)


def loss_of(model: Any, batch: Sequence[Example], pad: int) -> torch.Tensor:
    longest = max(len(ids) for ids, _ in batch)
    ids = torch.full((len(batch), longest), pad, dtype=torch.long)
    mask = torch.zeros_like(ids)
    labels = torch.full_like(ids, IGNORED)
    for row, (tokens, start) in enumerate(batch):
        ids[row, : len(tokens)] = torch.tensor(tokens)
        mask[row, : len(tokens)] = 1
        labels[row, start : len(tokens)] = torch.tensor(tokens[start:])
    device = model.device
    loss: torch.Tensor = model(
        input_ids=ids.to(device), attention_mask=mask.to(device), labels=labels.to(device), use_cache=False
    ).loss
    return loss


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m sampler.engines._train_sft", description=__doc__)
    parser.add_argument("export", help="an export folder with sft, preferences or rankings")
    parser.add_argument("base", help="folder of the model to start from")
    parser.add_argument("out", help="folder of the new model; must not exist")
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--answers-per-step", type=int, default=4)
    parser.add_argument("--learning-rate", type=float, default=2e-5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--source", choices=["sft", "chosen"], default="", help="default: sft where it is there")
    parser.add_argument("--system-prompt", default="", help="put first where a prompt has no system turn")
    parser.add_argument("--threads", type=int, default=None, help="of torch; tiny models are faster with 1")
    options = vars(parser.parse_args(arguments))
    quiet(options.pop("threads"))
    try:
        facts = train(**options, tell=lambda text: print(text, file=sys.stderr, flush=True))
    except (BadFolder, CannotLoad, checkpoints.OutExists) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(json.dumps(facts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
