"""Steps a second of the three ways of training, on whatever device is here, with a model of random weights.

    python -m benchmarks.training [--hidden 1024] [--layers 24] [--steps 30] [--iterations 4]

Needs torch, transformers and accelerate, and neither Django nor a database: what is timed is what runs where an
export folder was copied to. The folder is made here too: rankings of random words, fewer commas first, so that the
reward model has something to learn. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402

from common.shapes import JsonObject  # noqa: E402
from generation.devices import training_device  # noqa: E402
from generation.loading import silence_libraries  # noqa: E402
from tests.generation.tiny import make_tiny_model  # noqa: E402
from tests.training.exports import make_export  # noqa: E402
from training import ppo, reward, sft  # noqa: E402
from training.ppo_options import Settings  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--hidden", type=int, default=1024)
    parser.add_argument("--layers", type=int, default=24)
    parser.add_argument("--steps", type=int, default=30, help="of sft, and of the reward model")
    parser.add_argument("--iterations", type=int, default=4, help="of ppo, and of rloo")
    parser.add_argument("--precision", default="auto")
    o = parser.parse_args()
    silence_libraries()
    logging.captureWarnings(True)
    with tempfile.TemporaryDirectory() as name:
        found = measure(Path(name), o)
    print(json.dumps(found))
    return 0


def measure(folder: Path, o: argparse.Namespace) -> JsonObject:
    base = make_tiny_model(folder / "base", hidden=o.hidden, layers=o.layers, vocabulary=32_000)
    export = make_export(folder / "export", train=240, test=60)
    size = sum(path.stat().st_size for path in base.glob("*.safetensors"))
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else f"{os.cpu_count()} cores"
    found: JsonObject = {
        "device": f"{training_device().type}, {gpu}", "parameters": size // 4, "torch": torch.__version__,
    }  # fmt: skip
    say(str(found))
    first = sft.train(
        export=export, base=base, out=folder / "sft", tell=say,
        settings=sft.Settings(steps=o.steps, batch_size=16, learning_rate=1e-4, precision=o.precision),
    )  # fmt: skip
    judge = reward.train(
        export=export, base=base, out=folder / "reward", tell=say,
        settings=reward.Settings(
            steps=o.steps, batch_size=16, layers=max(1, o.layers // 4), learning_rate=1e-4, precision=o.precision
        ),
    )  # fmt: skip
    found["sft"] = shortened(first, o.steps)
    found["reward"] = shortened(judge, o.steps) | {"test_accuracy": judge["test_accuracy"]}
    for algorithm, group in (("ppo", 1), ("rloo", 4)):
        facts = ppo.train(
            export=export, base=folder / "sft", reward_model=folder / "reward", out=folder / algorithm, tell=say,
            settings=Settings(
                algorithm=algorithm, answers_per_prompt=group, iterations=o.iterations, answers_per_iteration=64,
                minibatch_size=32, max_tokens=32, learning_rate=3e-5, precision=o.precision,
            ),
        )  # fmt: skip
        found[algorithm] = shortened(facts, o.iterations) | {key: facts[key] for key in ("reward", "kl", "ended")}
    if torch.cuda.is_available():
        found["peak_gib"] = round(torch.cuda.max_memory_allocated() / 2**30, 2)
    return found


def shortened(facts: JsonObject, steps: int) -> JsonObject:
    """Loading and saving are in the seconds too."""
    seconds = facts["seconds"]
    assert isinstance(seconds, float)
    return {"seconds": seconds, "steps_per_second": round(steps / max(seconds, 1e-3), 2)}


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
