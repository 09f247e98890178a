"""Trains a reward model on an export folder: `python -m training.reward EXPORT BASE OUT`.

InstructGPT's way (arXiv 2203.02155, section 3.5): every answer of a ranking is scored once, all pairs of
the ranking enter one step, each with its exported `weight`, and the loss is Bradley-Terry's
-log sigmoid(chosen - rejected). For two cores the model can be cut to the lower layers of its base.
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

from generation import checkpoints
from generation.devices import training_device
from generation.loading import load_tokenizer, new_reward_model
from generation.scoring import encode, longest_conversation, score
from generation.types import Config, Model, Tokenizer
from training import command, folders
from training.command import Tell
from training.fit import fit
from training.folders import BadFolder, Judgement

RANKINGS_AT_ONCE = 8  # where scores are only read
Encoded = tuple[Judgement, list[list[int]]]


@dataclass(frozen=True)
class Settings:
    steps: int = 24
    rankings_per_step: int = 4
    layers: int | None = None  # None: all of the base
    learning_rate: float = 1e-4
    seed: int = 0
    use_label_weight: bool = False
    freeze_embeddings: bool = False


@dataclass(frozen=True)
class Facts:
    """What is known of the result; `training.json` beside the weights."""

    kind: str
    export_id: str | None
    base: str
    layers: int
    steps: int
    rankings_per_step: int
    learning_rate: float
    freeze_embeddings: bool
    seed: int
    first_loss: float
    last_loss: float
    train_rankings: int
    train_pairs: int
    train_accuracy: float | None
    test_rankings: int
    test_pairs: int
    test_accuracy: float | None
    seconds: float


def train(
    *, export: Path, base: Path, out: Path, settings: Settings | None = None, tell: Tell = lambda text: None
) -> Facts:
    """Train, save to `out`, and return what is known of the result.

    Raises:
        BadFolder, CannotLoad, checkpoints.OutExists: with a sentence.
    """
    s = settings or Settings()
    checkpoints.check_free(out)
    began = time.monotonic()
    torch.manual_seed(s.seed)
    tokenizer = load_tokenizer(str(base))
    pad = tokenizer.pad_token_id or 0
    model = new_reward_model(str(base), s.layers, pad, training_device())
    if s.freeze_embeddings:
        model.get_input_embeddings().requires_grad_(False)
    data, held_out = read(export, tokenizer, model.config, use_label_weight=s.use_label_weight)
    tell(f"{_counts(data)} to train on, {_counts(held_out)} held out")
    # Whole rankings at a time: single pairs would overfit in one pass.
    losses = fit(
        model,
        data,
        lambda batch: loss_of(model, batch, pad),
        steps=s.steps,
        size=s.rankings_per_step,
        learning_rate=s.learning_rate,
        rng=Random(s.seed),
        tell=tell,
    )
    facts = Facts(
        kind="reward", export_id=folders.export_id(export), base=base.name, layers=model.config.num_hidden_layers,
        steps=s.steps, rankings_per_step=s.rankings_per_step, learning_rate=s.learning_rate,
        freeze_embeddings=s.freeze_embeddings, seed=s.seed, first_loss=round(losses[0], 4),
        last_loss=round(sum(losses[-4:]) / len(losses[-4:]), 4),
        train_rankings=len(data), train_pairs=_pairs(data), train_accuracy=pair_accuracy(model, data, pad),
        test_rankings=len(held_out), test_pairs=_pairs(held_out), test_accuracy=pair_accuracy(model, held_out, pad),
        seconds=round(time.monotonic() - began, 1),
    )  # fmt: skip
    checkpoints.save(model, tokenizer, out, facts=asdict(facts))
    return facts


def read(
    export: Path, tokenizer: Tokenizer, config: Config, *, use_label_weight: bool
) -> tuple[list[Encoded], list[Encoded]]:
    """The rankings to train on, and those held out.

    Raises:
        BadFolder: there is no pair to train on.
    """
    limit = longest_conversation(config)
    data, held_out = (
        prepare(tokenizer, folders.judgements(export, split, use_label_weight=use_label_weight), limit)
        for split in ("train", "test")
    )
    if not data:
        raise BadFolder(f"{export} has no pair to train on.")
    return data, held_out


def prepare(tokenizer: Tokenizer, found: Sequence[Judgement], limit: int) -> list[Encoded]:
    """Token ids of every answer. A pair with an answer over the limit is left out, as TRL does."""
    result = []
    for one in found:
        encoded = [encode(tokenizer, conversation) for conversation in one.conversations()]
        fits = [n for n, (i, j) in enumerate(one.pairs) if max(len(encoded[i]), len(encoded[j])) <= limit]
        if fits:
            one.pairs, one.weights = [one.pairs[n] for n in fits], [one.weights[n] for n in fits]
            result.append((one, [ids[-limit:] for ids in encoded]))
    return result


def loss_of(model: Model, batch: Sequence[Encoded], pad: int) -> torch.Tensor:
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


def pair_accuracy(model: Model, data: Sequence[Encoded], pad: int) -> float | None:
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


def _pairs(data: Sequence[Encoded]) -> int:
    return sum(len(one.pairs) for one, _ in data)


def _counts(data: Sequence[Encoded]) -> str:
    return f"{len(data)} rankings ({_pairs(data)} pairs)"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = command.parser(
        "reward", __doc__, export="an export folder with preferences or rankings",
        out="folder of the new reward model; must not exist",
    )  # fmt: skip
    parser.add_argument("--steps", type=int, default=Settings.steps)
    parser.add_argument("--rankings-per-step", type=int, default=Settings.rankings_per_step)
    parser.add_argument("--layers", type=int, default=None, help="keep only the lower N layers of the base")
    parser.add_argument("--learning-rate", type=float, default=Settings.learning_rate)
    parser.add_argument("--use-label-weight", action="store_true", help="also weight pairs by trust in the trainer")
    parser.add_argument(
        "--freeze-embeddings", action="store_true", help="leave the word vectors alone: less to learn by heart"
    )
    o = parser.parse_args(arguments)
    settings = Settings(
        steps=o.steps, rankings_per_step=o.rankings_per_step, layers=o.layers, learning_rate=o.learning_rate,
        seed=o.seed, use_label_weight=o.use_label_weight, freeze_embeddings=o.freeze_embeddings,
    )  # fmt: skip
    return command.run(
        o, lambda tell: asdict(train(export=o.export, base=o.base, out=o.out, settings=settings, tell=tell))
    )


if __name__ == "__main__":
    sys.exit(main())
