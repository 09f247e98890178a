"""What a run writes down: figures as they come, states to go on from, and at the end the checkpoint with its card.

All of it lies in `.NAME.unfinished` beside the folder that is to be made, until that is there.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from accelerate import Accelerator

from common.shapes import JsonLike, JsonObject, Message
from generation import checkpoints
from generation.types import Tokenizer
from training import card, curves
from training.accelerated import save_weights
from training.command import Tell

METRICS, ANSWERS, CURVE, PROGRESS = "metrics.jsonl", "answers.jsonl", "curve.svg", "progress.json"


@dataclass
class Going:
    """Where a run goes on: the step it had done, what it had written down, and the weights it had kept."""

    step: int
    facts: JsonObject
    kept: list[torch.Tensor]


class Record:
    def __init__(self, out: Path, options: Mapping[str, JsonLike], accelerator: Accelerator, tell: Tell) -> None:
        """`options` are those of the run: one with others does not go on from its states.

        Raises:
            OutExists: `out` is there already.
        """
        checkpoints.check_free(out)
        self.out = Path(out).resolve()
        self.accelerator = accelerator
        self.tell = tell
        self.options = json.loads(json.dumps(dict(options)))
        self.folder = self.out.with_name(f".{self.out.name}.unfinished")
        self.rows: list[JsonObject] = []

    def resume(self) -> Going | None:
        """Load the last state of a run with the same options, if there is one."""
        found = self._last()
        going = None
        if found is not None:
            progress = json.loads((found / PROGRESS).read_text())
            self.accelerator.load_state(str(found))
            kept = torch.load(found / f"kept-{self.accelerator.process_index}.pt", weights_only=True)
            self.rows = progress["rows"]
            going = Going(progress["step"], progress["facts"], kept)
            self.tell(f"goes on after step {going.step}: {found}")
        if self.accelerator.is_main_process:
            if going is None:
                shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True, exist_ok=True)
            lines = (json.dumps(row) + "\n" for row in self.rows)
            (self.folder / METRICS).write_text("".join(lines))
            self._keep_answers()
        self.accelerator.wait_for_everyone()
        return going

    def _last(self) -> Path | None:
        for state in sorted(self.folder.glob("state-*"), reverse=True):
            progress = state / PROGRESS  # written last: a state without it is half a state
            if progress.exists() and json.loads(progress.read_text())["options"] == self.options:
                return state
        return None

    def row(self, row: Mapping[str, JsonLike]) -> None:
        """Figures of a step or an iteration."""
        self.rows.append(json.loads(json.dumps(row)))
        if self.accelerator.is_main_process:
            with (self.folder / METRICS).open("a") as file:
                file.write(json.dumps(row) + "\n")

    def _keep_answers(self) -> None:
        """Those of iterations that are written down."""
        path, done = self.folder / ANSWERS, {row.get("iteration") for row in self.rows}
        lines = path.read_text().splitlines(keepends=True) if path.exists() else []
        path.write_text("".join(line for line in lines if json.loads(line)["iteration"] in done))

    def answers(self, iteration: int, found: Sequence[tuple[Sequence[Message], str]]) -> None:
        """What the policy said in an iteration, for whoever wants to see how it changes; of the first process."""
        if self.accelerator.is_main_process:
            with (self.folder / ANSWERS).open("a") as file:
                for prompt, text in found:
                    row = {"iteration": iteration, "prompt": list(prompt), "text": text}
                    file.write(json.dumps(row, ensure_ascii=False) + "\n")

    def save_state(self, step: int, facts: Mapping[str, JsonLike], kept: Sequence[torch.Tensor]) -> None:
        """Weights and optimizer as they are after `step`, and the weights that were kept from an earlier one."""
        state = self.folder / f"state-{step:07}"
        self.accelerator.save_state(str(state))
        torch.save(list(kept), state / f"kept-{self.accelerator.process_index}.pt")
        self.accelerator.wait_for_everyone()
        if self.accelerator.is_main_process:
            progress = {"step": step, "options": self.options, "facts": facts, "rows": self.rows}
            (state / PROGRESS).write_text(json.dumps(progress))
            for old in self.folder.glob("state-*"):
                if old != state:
                    shutil.rmtree(old)
        self.accelerator.wait_for_everyone()

    def finish(self, model: object, tokenizer: Tokenizer, facts: JsonObject, panels: Sequence[curves.Panel]) -> None:
        """The checkpoint: safetensors, tokenizer, facts, figures, curve and card; by one rename."""
        write_weights = save_weights(self.accelerator, model)
        if self.accelerator.is_main_process:
            with checkpoints.writing(self.out) as folder:
                write_weights(folder)
                tokenizer.save_pretrained(folder)
                facts["weights_sha256"] = checkpoints.weights_hash(checkpoints.weight_files(folder))
                (folder / checkpoints.FACTS).write_text(json.dumps(facts, indent=2, sort_keys=True) + "\n")
                for name in (METRICS, ANSWERS):
                    (folder / name).write_bytes((self.folder / name).read_bytes())
                (folder / CURVE).write_text(curves.drawn(panels))
                (folder / "README.md").write_text(card.written(self.out.name, facts))
            shutil.rmtree(self.folder, ignore_errors=True)
        self.accelerator.wait_for_everyone()
