"""Trains a reward model on an export folder: `python -m sampler.classifiers._train_reward EXPORT BASE OUT`.

InstructGPT's way (arXiv 2203.02155, section 3.5): every answer of a ranking is scored once, all pairs of
the ranking enter one step, each with its exported `weight`, and the loss is Bradley-Terry's
-log sigmoid(chosen - rejected). For two cores the model can be cut to the lower layers of its base.
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
from sampler.classifiers._encode import encode, fitting, load_tokenizer, quiet, score
from sampler.classifiers._loop import fit
from sampler.classifiers.base import CannotLoad
from sampler.training_data import BadFolder, Judgement

RANKINGS_AT_ONCE = 8  # where scores are only read
Encoded = tuple[Judgement, list[list[int]]]


def train(
    *,
    export: str | Path,
    base: str | Path,
    out: str | Path,
    steps: int = 24,
    rankings_per_step: int = 4,
    layers: int | None = None,
    learning_rate: float = 1e-4,
    seed: int = 0,
    use_label_weight: bool = False,
    freeze_embeddings: bool = False,
    tell: Any = lambda text: None,
) -> dict[str, Any]:
    """Train, save to `out`, and return what is known of the result.

    Raises:
        BadFolder, CannotLoad, checkpoints.OutExists: with a sentence.
    """
    checkpoints.check_free(out)
    began = time.monotonic()
    torch.manual_seed(seed)
    tokenizer = load_tokenizer(str(base))
    model = new_model(str(base), layers, tokenizer.pad_token_id)
    if freeze_embeddings:
        model.get_input_embeddings().requires_grad_(False)
    limit = fitting(getattr(model.config, "max_position_embeddings", None))
    data = {}
    for split in ("train", "test"):
        found = training_data.judgements(export, split, use_label_weight=use_label_weight)
        data[split] = prepare(tokenizer, found, limit)
    if not data["train"]:
        raise BadFolder(f"{export} has no pair to train on.")
    tell(f"{_counts(data['train'])} to train on, {_counts(data['test'])} held out")
    # Whole rankings at a time: single pairs would overfit in one pass.
    losses = fit(
        model,
        data["train"],
        lambda batch: loss_of(model, batch, tokenizer.pad_token_id),
        steps=steps,
        size=rankings_per_step,
        learning_rate=learning_rate,
        rng=Random(seed),
        tell=tell,
    )
    facts: dict[str, Any] = {
        "kind": "reward",
        "export_id": export_id(export),
        "base": Path(base).name,
        "layers": model.config.num_hidden_layers,
        "steps": steps,
        "rankings_per_step": rankings_per_step,
        "learning_rate": learning_rate,
        "freeze_embeddings": freeze_embeddings,
        "seed": seed,
        "first_loss": round(losses[0], 4),
        "last_loss": round(sum(losses[-4:]) / len(losses[-4:]), 4),
    }
    for split in ("train", "test"):
        facts[f"{split}_rankings"] = len(data[split])
        facts[f"{split}_pairs"] = sum(len(one.pairs) for one, _ in data[split])
        facts[f"{split}_accuracy"] = pair_accuracy(model, data[split], tokenizer.pad_token_id)
    facts["seconds"] = round(time.monotonic() - began, 1)
    checkpoints.save(model, tokenizer, out, facts=facts)
    return facts


def new_model(base: str, layers: int | None, pad: int) -> Any:
    """The base with one linear output on its last token, cut to its lower `layers`."""
    from transformers import AutoConfig, AutoModelForSequenceClassification

    try:
        config = AutoConfig.from_pretrained(base)
    except (OSError, ValueError) as error:
        raise CannotLoad(f"No model at {base!r}: {str(error).splitlines()[0]}") from None
    if layers is not None:
        if not 1 <= layers <= config.num_hidden_layers:
            raise CannotLoad(f"{base!r} has {config.num_hidden_layers} layers; {layers} were asked for.")
        config.num_hidden_layers = layers
        if getattr(config, "layer_types", None):
            config.layer_types = config.layer_types[:layers]
    config.num_labels = 1
    config.pad_token_id = pad
    try:
        model = AutoModelForSequenceClassification.from_pretrained(
            base, config=config, dtype=torch.float32, use_safetensors=True
        )
    except (OSError, ValueError) as error:
        raise CannotLoad(f"{base!r} cannot become a reward model: {str(error).splitlines()[0]}") from None
    return model.to("cuda" if torch.cuda.is_available() else "cpu")


def prepare(tokenizer: Any, found: Sequence[Judgement], limit: int) -> list[Encoded]:
    """Token ids of every answer. A pair with an answer over the limit is left out, as TRL does."""
    result = []
    for one in found:
        encoded = [encode(tokenizer, conversation) for conversation in one.conversations()]
        fits = [n for n, (i, j) in enumerate(one.pairs) if max(len(encoded[i]), len(encoded[j])) <= limit]
        if fits:
            one.pairs, one.weights = [one.pairs[n] for n in fits], [one.weights[n] for n in fits]
            result.append((one, [ids[-limit:] for ids in encoded]))
    return result


def loss_of(model: Any, batch: Sequence[Encoded], pad: int) -> torch.Tensor:
    """Bradley-Terry over all pairs of these rankings, weighted; each answer is scored once."""
    rewards = score(model, [ids for _, encoded in batch for ids in encoded], pad)
    chosen, rejected, weights, start = [], [], [], 0
    for one, encoded in batch:
        chosen += [start + i for i, _ in one.pairs]
        rejected += [start + j for _, j in one.pairs]
        weights += one.weights
        start += len(encoded)
    w = torch.tensor(weights, device=rewards.device)
    losses = -torch.nn.functional.logsigmoid(rewards[chosen] - rewards[rejected])
    return (w * losses).sum() / w.sum().clamp_min(1e-9)


def pair_accuracy(model: Any, data: Sequence[Encoded], pad: int) -> float | None:
    """Share of pairs whose chosen answer scores higher; equal scores count half. None without pairs."""
    right, total = 0.0, 0
    with torch.inference_mode():
        for start in range(0, len(data), RANKINGS_AT_ONCE):
            batch = data[start : start + RANKINGS_AT_ONCE]
            rewards = iter(score(model, [ids for _, encoded in batch for ids in encoded], pad).tolist())
            for one, encoded in batch:
                own = [next(rewards) for _ in encoded]
                right += sum((own[i] > own[j]) + 0.5 * (own[i] == own[j]) for i, j in one.pairs)
                total += len(one.pairs)
    return round(right / total, 4) if total else None


def export_id(export: str | Path) -> str | None:
    """As its manifest says."""
    try:
        return str(json.loads((Path(export) / "manifest.json").read_text())["export_id"])
    except (OSError, ValueError, KeyError):
        return None


def _counts(data: Sequence[Encoded]) -> str:
    return f"{len(data)} rankings ({sum(len(one.pairs) for one, _ in data)} pairs)"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m sampler.classifiers._train_reward", description=__doc__)
    parser.add_argument("export", help="an export folder with preferences or rankings")
    parser.add_argument("base", help="folder of the model to start from")
    parser.add_argument("out", help="folder of the new reward model; must not exist")
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--rankings-per-step", type=int, default=4)
    parser.add_argument("--layers", type=int, default=None, help="keep only the lower N layers of the base")
    parser.add_argument("--learning-rate", type=float, default=1e-4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--use-label-weight", action="store_true", help="also weight pairs by trust in the trainer")
    parser.add_argument(
        "--freeze-embeddings", action="store_true", help="leave the word vectors alone: less to learn by heart"
    )
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
