"""Settings as dataclasses, and their options on a command line: one line in the code for each of them."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import TypeVar, get_type_hints

Value = TypeVar("Value")
Chosen = TypeVar("Chosen")

AUTO, FLOAT32, BFLOAT16 = "auto", "float32", "bfloat16"


def option(default: Value, help: str, choices: Sequence[str] = ()) -> Value:
    """A field of a dataclass that is an option too."""
    return field(default=default, metadata={"help": help, "choices": list(choices)})


def add_to(parser: ArgumentParser, settings: type[object]) -> None:
    """`--the-name` for every field of the dataclass `settings`."""
    types = get_type_hints(settings)
    for one in fields(settings):  # type: ignore[arg-type]
        name, help = "--" + one.name.replace("_", "-"), one.metadata["help"]
        if types[one.name] is bool:
            parser.add_argument(name, action="store_true", help=help)
        else:
            kind = next(t for t in (int, float, str) if t is types[one.name])
            choices = one.metadata["choices"] or None
            shown = f"{help} (default: {one.default})" if one.default not in ("", 0) else help
            parser.add_argument(name, type=kind, default=one.default, choices=choices, help=shown)


def taken(parsed: Namespace, settings: type[Chosen]) -> Chosen:
    """The dataclass with what was given."""
    return settings(**{one.name: getattr(parsed, one.name) for one in fields(settings)})  # type: ignore[arg-type]


@dataclass(frozen=True)
class Common:
    """What every way of training takes."""

    seed: int = option(0, "of the order of the data, and of what is drawn")
    max_length: int = option(1024, "tokens of a conversation; longer ones are left out")
    precision: str = option(AUTO, "auto: bfloat16 on a GPU or CPU that calculates with it", [AUTO, FLOAT32, BFLOAT16])
    micro_batch_size: int = option(0, "of one forward pass on a device; 0: the device's whole share of a step")
    gradient_checkpointing: bool = option(False, "keep less for the backward pass: slower, needs less memory")
    trained_layers: int = option(0, "train only so many upper layers, and no word vectors; 0: all")
    lora_rank: int = option(0, "train adapters of this rank (needs peft), merged at the end; 0: all weights")
    save_every: int = option(0, "steps (ppo: iterations) between states to go on from; 0: none but at the end")
