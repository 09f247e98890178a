"""Trains a reward model on an export folder: `python -m training.reward EXPORT BASE OUT`.

InstructGPT's way (arXiv 2203.02155, section 3.5): every answer of a ranking is scored once, all pairs of
the ranking enter one step, each with its exported `weight`, and the loss is Bradley-Terry's
-log sigmoid(chosen - rejected), or with `--ties` Davidson's. Scores are centred so that demonstrations have a
mean of zero. For two cores the model can be cut to the lower layers of its base.
Larger models train with `recipes/reward.py` on the same folder (docs/training.md).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from common.shapes import JsonObject
from generation import checkpoints
from generation.checkpoints import weight_files, weights_hash
from generation.loading import load_tokenizer, new_reward_model
from generation.scoring import encode, longest_conversation, score
from generation.types import Model, Tokenizer
from training import command, folders
from training.accelerated import accelerator_for, adapted
from training.command import Tell
from training.fit import Fitting, Loop
from training.folders import BadFolder, Judgement
from training.options import option
from training.record import Record

AT_ONCE = 8  # rankings, or demonstrations, where scores are only read
DEMONSTRATIONS = 256  # that scores are centred on, at most
Encoded = tuple[Judgement, list[list[int]]]


@dataclass(frozen=True)
class Settings(Fitting):
    batch_size: int = option(8, "rankings of a step, over all devices")
    layers: int = option(0, "keep only so many lower layers of the base; 0: all")
    use_label_weight: bool = option(False, "also weight pairs by the trust in the trainer")
    freeze_embeddings: bool = option(False, "leave the word vectors alone: less to learn by heart")
    ties: bool = option(False, "learn from tied pairs too, by Davidson's model (reads rankings)")


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
    torch.manual_seed(s.seed)  # of the new output's first weights
    accelerator = accelerator_for(s)
    tokenizer = load_tokenizer(str(base))
    pad = tokenizer.pad_token_id or 0
    model: Any = new_reward_model(str(base), s.layers or None, pad, accelerator.device)
    if s.freeze_embeddings:
        model.get_input_embeddings().requires_grad_(False)
    limit = longest_conversation(model.config, s.max_length)
    data, held_out = (read(export, split, tokenizer, limit, s) for split in ("train", "test"))
    if not data:
        raise BadFolder(f"{export} has no pair to train on that fits into {limit} tokens.")
    tell(f"{_counts(data)} to train on, {_counts(held_out)} held out")
    parent = weights_hash(weight_files(base))
    origin = {**folders.origin(export), "base": base.name, "parent_sha256": parent}
    record = Record(out, {**asdict(s), **origin}, accelerator, tell)
    layers = model.config.num_hidden_layers
    model = adapted(model, s, "reward")
    if s.ties:  # how readily people tie: learnt beside the weights, and left out of the checkpoint
        model.log_nu = torch.nn.Parameter(torch.zeros((), device=accelerator.device))
    log_nu = getattr(model, "log_nu", None)
    loop = Loop[Encoded](
        accelerator, s, record, lambda model, batch: loss_of(model, batch, pad, log_nu),
        lambda batch: sum(sum(one.weights) + sum(one.tie_weights) for one, _ in batch),
    )  # fmt: skip
    trained, fitted = loop.fit(model, data, held_out)
    bare: Any = accelerator.unwrap_model(trained)
    if s.ties:
        del bare.log_nu
    centre = _centre(bare, demonstrations(export, tokenizer, limit), pad)
    facts: JsonObject = {
        "kind": "reward", **origin, "layers": layers, **fitted.facts(),
        "train_rankings": len(data), "train_pairs": _pairs(data), "train_accuracy": pair_accuracy(bare, data, pad),
        "test_rankings": len(held_out), "test_pairs": _pairs(held_out),
        "test_accuracy": pair_accuracy(bare, held_out, pad), "centre": centre,
        "log_nu": None if log_nu is None else round(log_nu.item(), 4),
        "seconds": round(time.monotonic() - began, 1), "options": asdict(s),
    }  # fmt: skip
    record.finish(trained, tokenizer, facts, fitted.panels())
    return facts


def read(export: Path, split: str, tokenizer: Tokenizer, limit: int, s: Settings) -> list[Encoded]:
    """The rankings of a split as token ids."""
    return prepare(
        tokenizer, folders.judgements(export, split, use_label_weight=s.use_label_weight, ties=s.ties), limit
    )


def prepare(tokenizer: Tokenizer, found: Sequence[Judgement], limit: int) -> list[Encoded]:
    """Token ids of every answer. A pair with an answer over the limit is left out, as TRL does."""
    result = []
    for one in found:
        encoded = [encode(tokenizer, conversation) for conversation in one.conversations()]
        short = {at for at, ids in enumerate(encoded) if len(ids) <= limit}
        pairs = [(pair, w) for pair, w in zip(one.pairs, one.weights, strict=True) if short.issuperset(pair)]
        ties = [(pair, w) for pair, w in zip(one.ties, one.tie_weights, strict=True) if short.issuperset(pair)]
        if pairs or ties:
            one.pairs, one.weights = [pair for pair, _ in pairs], [w for _, w in pairs]
            one.ties, one.tie_weights = [pair for pair, _ in ties], [w for _, w in ties]
            result.append((one, [ids[-limit:] for ids in encoded]))
    return result


def loss_of(model: Model, batch: Sequence[Encoded], pad: int, log_nu: torch.Tensor | None = None) -> torch.Tensor:
    """Weighted and summed over all pairs of these rankings; each answer is scored once."""
    rewards = score(model, [ids for _, encoded in batch for ids in encoded], pad)
    strict, weights, tied, tie_weights, start = [], [], [], [], 0
    for one, encoded in batch:
        strict += [(start + i, start + j) for i, j in one.pairs]
        tied += [(start + i, start + j) for i, j in one.ties]
        weights += one.weights
        tie_weights += one.tie_weights
        start += len(encoded)
    lost = _gap(rewards, strict)
    if log_nu is None:
        losses = torch.nn.functional.softplus(-lost)
        return (torch.tensor(weights, device=rewards.device) * losses).sum()
    # Davidson 1970: win : loss : tie as e^(d/2) : e^(-d/2) : nu, for d the difference of the scores.
    even = _gap(rewards, tied)
    losses = torch.cat([_denominator(lost, log_nu) - lost / 2, _denominator(even, log_nu) - log_nu])
    return (torch.tensor([*weights, *tie_weights], device=rewards.device) * losses).sum()


def _gap(rewards: torch.Tensor, pairs: Sequence[tuple[int, int]]) -> torch.Tensor:
    return rewards[[i for i, _ in pairs]] - rewards[[j for _, j in pairs]]


def _denominator(gap: torch.Tensor, log_nu: torch.Tensor) -> torch.Tensor:
    return torch.logsumexp(torch.stack([gap / 2, -gap / 2, log_nu.expand_as(gap)]), dim=0)


def demonstrations(export: Path, tokenizer: Tokenizer, limit: int) -> list[list[int]]:
    """Answers that people wrote or approved, as far as the export has them."""
    if not folders.files(export, "sft", "train"):
        return []
    found = []
    for one in folders.answers(export, "train", source="sft")[:DEMONSTRATIONS]:
        found.append(encode(tokenizer, [*one.prompt, {"role": "assistant", "content": one.text}])[-limit:])
    return found


def _centre(model: Any, encoded: Sequence[list[int]], pad: int) -> float | None:
    """The mean score of these, which the model's configuration keeps and `generation.scoring` takes off."""
    if not encoded:
        return None
    with torch.inference_mode():
        parts = [score(model, encoded[at : at + AT_ONCE], pad) for at in range(0, len(encoded), AT_ONCE)]
    model.config.reward_centre = round(torch.cat(parts).mean().item(), 6)
    centre: float = model.config.reward_centre
    return centre


def pair_accuracy(model: Model, data: Sequence[Encoded], pad: int) -> float | None:
    """Share of pairs whose chosen answer scores higher; equal scores count half. None without pairs."""
    right, total = 0.0, 0
    with torch.inference_mode():
        for start in range(0, len(data), AT_ONCE):
            batch = data[start : start + AT_ONCE]
            rewards = iter(score(model, [ids for _, encoded in batch for ids in encoded], pad).tolist())
            for one, encoded in batch:
                own = [next(rewards) for _ in encoded]
                right += sum((own[i] > own[j]) + 0.5 * (own[i] == own[j]) for i, j in one.pairs)
                total += len(one.pairs)
    return round(right / total, 4) if total else None


def _pairs(data: Sequence[Encoded]) -> int:
    return sum(len(one.pairs) for one, _ in data)


def _counts(data: Sequence[Encoded]) -> str:
    return f"{len(data)} rankings ({_pairs(data)} pairs)"


def main(arguments: Sequence[str] | None = None) -> int:
    return command.run(
        "reward", __doc__, Settings,
        lambda o, s: train(export=o.export, base=o.base, out=o.out, settings=s, tell=command.tell),
        arguments, export="an export folder with preferences or rankings",
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
