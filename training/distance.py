"""How far answers are from a policy: `python -m training.distance ANSWERS POLICY FIRST`.

ANSWERS is a folder with an `sft` configuration of answers that POLICY gave. Of the same tokens: KL in nats an answer,
the mean of log p(POLICY) - log p(FIRST), and the perplexity under FIRST, which nonsense raises whatever else it
pleases.
"""

from __future__ import annotations

import json
import math
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

import torch

from common.shapes import JsonObject
from generation.devices import training_device
from generation.loading import load_policy, load_tokenizer, silence_libraries
from training import folders, sft
from training.folders import BadFolder

AT_ONCE = 16


def measure(answers: Path, policy: Path, first: Path, system_prompt: str = "") -> JsonObject:
    """The figures.

    Raises:
        BadFolder, CannotLoad: with a sentence.
    """
    tokenizer = load_tokenizer(str(first))
    examples = [sft.encode(tokenizer, one, system_prompt) for one in folders.answers(answers, "train", source="sft")]
    if not examples:
        raise BadFolder(f"{answers} holds no answer.")
    of_first, of_policy = (_surprise(folder, examples, tokenizer.pad_token_id or 0) for folder in (first, policy))
    tokens = sum(len(ids) - start for ids, start in examples)
    return {
        "answers": len(examples), "tokens": tokens, "kl": round((of_first - of_policy) / len(examples), 4),
        "perplexity": round(math.exp(of_first / tokens), 3),
    }  # fmt: skip


@torch.inference_mode()
def _surprise(policy: Path, examples: Sequence[sft.Example], pad: int) -> float:
    """Minus the log-probability of all these answers."""
    model = load_policy(str(policy), training_device())
    model.eval()
    parts = [examples[at : at + AT_ONCE] for at in range(0, len(examples), AT_ONCE)]
    return sum(sft.loss_of(model, part, pad).item() for part in parts)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = ArgumentParser(prog="python -m training.distance", description=__doc__)
    for name, help in (("answers", "folder with sft"), ("policy", "that gave them"), ("first", "policy to measure by")):
        parser.add_argument(name, type=Path, help=help)
    parser.add_argument("--system-prompt", default="")
    parsed = parser.parse_args(arguments)
    silence_libraries()
    print(json.dumps(measure(parsed.answers, parsed.policy, parsed.first, parsed.system_prompt)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
