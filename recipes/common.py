"""What the recipes share: TRL's own options, the export's configuration, and how a run ends."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, Protocol


class Trainer(Protocol):
    """Of TRL's, whichever it is."""

    def train(self, *, resume_from_checkpoint: str | None) -> object: ...

    def save_model(self, output_dir: str) -> None: ...


class Recipe:
    """A command line of TRL's: what to train on (`--dataset_name EXPORT`), how, and which model."""

    def __init__(self, config: str, dataset_config: str, arguments: Sequence[str] | None, more: Sequence[type] = ()):
        """`config` names TRL's dataclass of options, `dataset_config` the configuration of the export."""
        self.trl: Any = import_module("trl")
        kinds = (self.trl.ScriptArguments, getattr(self.trl, config), self.trl.ModelConfig, *more)
        given = list(sys.argv[1:] if arguments is None else arguments)
        found = self.trl.TrlParser(kinds).parse_args_and_config(given, fail_with_unknown_args=True)
        self.script, self.settings, self.model, *self.more = found
        self.dataset_config = self.script.dataset_config or dataset_config

    def options(self, trainer: type[object]) -> dict[str, object]:
        """What every trainer takes: model, data, adapters."""
        load_dataset: Any = import_module("datasets").load_dataset
        data = load_dataset(self.script.dataset_name, name=self.dataset_config)
        chosen = {"dtype": self.model.dtype, "attn_implementation": self.model.attn_implementation}
        kwargs = {name: value for name, value in chosen.items() if value is not None}
        self.settings.model_init_kwargs = {**kwargs, **(self.settings.model_init_kwargs or {})}
        tested = self.settings.eval_strategy != "no" and self.script.dataset_test_split in data
        options = {
            "model": self.model.model_name_or_path, "args": self.settings,
            "train_dataset": data[self.script.dataset_train_split],
            "eval_dataset": data[self.script.dataset_test_split] if tested else None,
            "peft_config": self.trl.get_peft_config(self.model),
        }  # fmt: skip
        taken = inspect.signature(trainer).parameters
        return {name: value for name, value in options.items() if name in taken}

    def train(self, trainer: Trainer) -> int:
        """Train (from the last state with `--resume_from_checkpoint`), and save."""
        trainer.train(resume_from_checkpoint=self.settings.resume_from_checkpoint)
        trainer.save_model(self.settings.output_dir)
        return 0
