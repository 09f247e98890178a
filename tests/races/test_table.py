"""Whatever writes on a ranking, a dialogue or their lease is in the table of pairs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

BASE = Path(__file__).resolve().parents[2]
ROOMS = ("labeling", "labeling/quality")
ON = {"dialogue", "turn", "ranking", "assignment", "comparison"}
WRITES = re.compile(r"\.(save|update|create|delete|bulk_create|get_or_create|update_or_create)\(|advance\(|atomic")
# Writes that only happen within another, which is in the table.
WITHIN = {
    "candidates.new_comparison": "dialogues.submit_dialogue",
    "random_turn.draw_for": "dialogues.submit_dialogue",
    "dialogues.submit_ideal_answer": "rankings.submit_and_lease_next",
    "leases.lease": "leases.lease_next",
}


def writes() -> Iterator[str]:
    """Public functions of the noun modules that are given one of the nouns by keyword and write."""
    for room in ROOMS:
        for path in sorted((BASE / room).glob("*.py")):
            for found in ast.parse(path.read_text()).body:
                if not isinstance(found, ast.FunctionDef) or found.name.startswith("_"):
                    continue
                given = {argument.arg for argument in found.args.kwonlyargs}
                if given & ON and WRITES.search(ast.unparse(found)):
                    yield f"{path.stem}.{found.name}"


def test_every_write_is_in_a_pair() -> None:
    table = "".join((BASE / "tests" / "races" / f"{name}.py").read_text() for name in ("dialogues", "rankings"))
    found = sorted(writes())
    assert len(found) > 25, "the search finds them"
    missing = [name for name in found if f"{WITHIN.get(name, name)}(" not in table]
    assert not missing, f"{missing}: add each to a situation in tests/races, so that it meets every other write there"
    assert set(WITHIN) <= set(found), "what is said of a write that is gone is removed"
