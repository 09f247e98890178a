"""What the commands of this package share: `python -m training.NAME EXPORT BASE OUT [...]`.

Progress goes to stderr, the facts of the result as JSON to the last line of stdout.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping
from pathlib import Path

import torch

from common.shapes import JsonLike
from generation.checkpoints import CannotLoad, OutExists
from generation.loading import silence_libraries
from training.folders import BadFolder

Tell = Callable[[str], None]


def parser(name: str, description: str | None, *, export: str, out: str) -> ArgumentParser:
    """The arguments that every way of training takes."""
    made = ArgumentParser(prog=f"python -m training.{name}", description=description)
    made.add_argument("export", type=Path, help=export)
    made.add_argument("base", type=Path, help="folder of the model to start from")
    made.add_argument("out", type=Path, help=out)
    made.add_argument("--seed", type=int, default=0)
    made.add_argument("--threads", type=int, default=None, help="of torch; tiny models are faster with 1")
    return made


def run(options: Namespace, train: Callable[[Tell], Mapping[str, JsonLike]]) -> int:
    """The exit status: 0, or 1 after one line that says what is wrong with a folder or a model."""
    silence_libraries()
    if options.threads:
        torch.set_num_threads(options.threads)
    try:
        facts = train(tell)
    except (BadFolder, CannotLoad, OutExists) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(json.dumps(facts))
    return 0


def tell(text: str) -> None:
    """Progress."""
    print(text, file=sys.stderr, flush=True)
