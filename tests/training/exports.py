"""Export folders made by a known rule."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from random import Random

from tests.generation.tiny import WORDS


def commas(text: str) -> int:
    return text.split().count(",")


def make_answer(rng: Random) -> str:
    words = [rng.choice(WORDS) for _ in range(rng.randint(6, 12))]
    for _ in range(rng.randint(0, 4)):
        words.insert(rng.randint(0, len(words)), ",")
    return " ".join(words)


def make_export(folder: Path, *, rule: Callable[[str], int] = commas, train: int = 120, test: int = 30) -> Path:
    """Rankings of four answers each, fewer of `rule` is better; `preferences` only, as the product writes it."""
    rng = Random(1)
    (folder / "preferences").mkdir(parents=True)
    for split, count in (("train", train), ("test", test)):
        with (folder / "preferences" / f"{split}.jsonl").open("w") as file:
            for number in range(count):
                texts = [make_answer(rng) for _ in range(4)]
                prompt = [{"role": "user", "content": " ".join(rng.choice(WORDS) for _ in range(4))}]
                pairs = [sorted(pair, key=rule) for pair in combinations(texts, 2) if len({rule(t) for t in pair}) > 1]
                for chosen, rejected in pairs:
                    row = {
                        "prompt": prompt,
                        "chosen": [{"role": "assistant", "content": chosen}],
                        "rejected": [{"role": "assistant", "content": rejected}],
                        "weight": 1 / len(pairs),
                        "ranking_id": f"{split}-{number}",
                        "chosen_completion_id": f"{number}-{texts.index(chosen)}",
                        "rejected_completion_id": f"{number}-{texts.index(rejected)}",
                        "label_weight": None,
                    }
                    file.write(json.dumps(row) + "\n")
    (folder / "manifest.json").write_text(json.dumps({"export_id": "7c0e8b5e-0000-4000-8000-000000000001"}))
    return folder


def swap_pairs(folder: Path, split: str) -> None:
    """Chosen and rejected exchanged, as a broken export would have them."""
    path = folder / "preferences" / f"{split}.jsonl"
    lines = []
    for row in map(json.loads, path.read_text().splitlines()):
        for name in ("{}", "{}_completion_id"):
            a, b = name.format("chosen"), name.format("rejected")
            row[a], row[b] = row[b], row[a]
        lines.append(json.dumps(row) + "\n")
    path.write_text("".join(lines))


def add_rankings(folder: Path, *, train: int, test: int, width: int = 1) -> Path:
    """`rankings` of four answers each by the same rule, in steps of `width` commas; within a step they tie."""
    rng = Random(2)
    (folder / "rankings").mkdir(parents=True)
    for split, count in (("train", train), ("test", test)):
        with (folder / "rankings" / f"{split}.jsonl").open("w") as file:
            for number in range(count):
                texts = [make_answer(rng) for _ in range(4)]
                steps = [commas(text) // width for text in texts]
                places = sorted(set(steps))
                row = {
                    "id": f"{split}-{number}", "status": "ranked", "label_weight": None,
                    "context": [{"role": "user", "content": " ".join(rng.choice(WORDS) for _ in range(4))}],
                    "completions": [
                        {"rank": places.index(step), "completion": [{"role": "assistant", "content": text}]}
                        for step, text in zip(steps, texts, strict=True)
                    ],
                }  # fmt: skip
                file.write(json.dumps(row) + "\n")
    return folder


def add_demonstrations(folder: Path, count: int = 20) -> None:
    """`sft`: answers of random words."""
    rng = Random(3)
    (folder / "sft").mkdir(parents=True)
    with (folder / "sft" / "train.jsonl").open("w") as file:
        for _ in range(count):
            prompt = [{"role": "user", "content": " ".join(rng.choice(WORDS) for _ in range(4))}]
            file.write(json.dumps({
                "prompt": prompt, "completion": [{"role": "assistant", "content": make_answer(rng)}],
                "finish_reason": None,
            }) + "\n")  # fmt: skip
