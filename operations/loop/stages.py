"""Which stages of a run are done, in a file beside its checkpoints: a run that was killed goes on after the last."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

from common.shapes import Json, JsonObject

FILE = "run.json"


class Stages:
    def __init__(self, folder: Path, options: JsonObject) -> None:
        """Those of a run that is begun."""
        self.path = folder / FILE
        self.options = options
        self.done: dict[str, JsonObject] = {}
        self.notes: JsonObject = {}

    @classmethod
    def of(cls, folder: Path) -> Stages:
        """Those of a run that was begun before."""
        kept = json.loads((folder / FILE).read_text())
        stages = cls(folder, kept["options"])
        stages.done, stages.notes = kept["done"], kept["notes"]
        return stages

    def run(self, name: str, work: Callable[[], JsonObject]) -> JsonObject:
        """The result of the stage, which is worked on only where it is not done. Work that was cut is done again."""
        if name not in self.done:
            began = time.monotonic()
            result = work()
            self.done[name] = {"seconds": round(time.monotonic() - began, 1), "result": result}
            self.write()
        found = self.done[name]["result"]
        assert isinstance(found, dict)
        return found

    def note(self, name: str, value: Json) -> None:
        """Something to be known also where the stage is cut."""
        self.notes[name] = value
        self.write()

    def seconds(self) -> dict[str, float]:
        """Of each stage."""
        return {name: float(str(kept["seconds"])) for name, kept in self.done.items()}

    def write(self) -> None:
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps({"options": self.options, "done": self.done, "notes": self.notes}))
        os.replace(fresh, self.path)
