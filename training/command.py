"""What the commands of this package share: `python -m training.NAME EXPORT BASE OUT [...]`.

Progress goes to stderr, the facts of the result as JSON to the last line of stdout. On several devices:
`accelerate launch -m training.NAME …`; only the first process speaks.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import torch
from accelerate import PartialState

from common.shapes import JsonLike
from generation.checkpoints import CannotLoad, OutExists
from generation.loading import silence_libraries
from training import options
from training.folders import BadFolder

Tell = Callable[[str], None]
Settings = TypeVar("Settings")


def run(
    name: str,
    description: str | None,
    settings: type[Settings],
    train: Callable[[Namespace, Settings], Mapping[str, JsonLike]],
    arguments: Sequence[str] | None,
    *,
    export: str,
    before_out: Callable[[ArgumentParser], object] = lambda parser: None,
    more: Callable[[ArgumentParser], object] = lambda parser: None,
) -> int:
    """The exit status: 0, or 1 after one line that says what is wrong with a folder or a model."""
    parser = ArgumentParser(prog=f"python -m training.{name}", description=description)
    parser.add_argument("export", type=Path, help=export)
    parser.add_argument("base", type=Path, help="folder of the model to start from")
    before_out(parser)
    parser.add_argument("out", type=Path, help="folder of the new model; must not exist")
    parser.add_argument("--threads", type=int, default=None, help="of torch; tiny models are faster with 1")
    more(parser)
    options.add_to(parser, settings)
    parsed = parser.parse_intermixed_args(arguments)  # folders and options in any order
    silence_libraries()
    if parsed.threads:
        torch.set_num_threads(parsed.threads)
    try:
        facts = train(parsed, options.taken(parsed, settings))
    except (BadFolder, CannotLoad, OutExists) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if is_first():
        print(json.dumps(facts))
    return 0


def is_first() -> bool:
    """Whether this process is the one that speaks and writes."""
    return bool(PartialState().is_main_process)


def tell(text: str) -> None:
    """Progress."""
    if is_first():
        print(text, file=sys.stderr, flush=True)
