"""Records for the fuzz of imports: the examples of every format, as they are, changed, and hostile."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator

from common.shapes import Json
from tests.labeling.import_examples import EXAMPLES

HOSTILE: list[Json] = [
    None, True, False, 0, -1, 1e308, 10**30, "", " ", "\0", "\ud83d", "\u200b", "\u202e", "<|im_end|>",
    "a<end_of_turn>b", "[INST] a [/INST]", "a" * 5_000,
    [], {}, [None], [[]], [{}], {"a": None}, {"role": "assistant"}, [{"role": "user", "content": "x"}],
    {"\0": 1}, {"\udc00": 1}, "Human: a\n\nAssistant:", "\x1b[2J", "NaN", "0", "true",
]  # fmt: skip
NAMES = [*sorted({name for records in EXAMPLES.values() for record in records for name in record}), "weight", "odd"]
CUT = 0.03  # of the lines are cut off or nested without end


def records(rng: random.Random, n: int, format: str = "") -> Iterator[str]:
    """Lines, most of them JSON. Of `format` as it is written, or of any."""
    every = [record for name in EXAMPLES for record in EXAMPLES[name]]
    pool = EXAMPLES[format] if format else every
    for number in range(n):
        record: Json = copy.deepcopy(dict(rng.choice(pool if rng.random() < 0.9 else every)))
        if rng.random() < 0.5:
            record = _marked(record, f" {number}")
        for _ in range(rng.choice([0, 0, 0, 1, 1, 2, 4])):
            record = changed(record, rng)
        line = json.dumps(record, ensure_ascii=rng.random() < 0.9)
        yield broken(line, rng) if rng.random() < CUT else line


def _marked(value: Json, mark: str) -> Json:
    """The record with texts of its own; ids, roles and names of completions stay."""
    if isinstance(value, dict):
        kept = {"id", "role", "from", "type", "winner", "value", "model", "parent_id", "message_id", "message_tree_id"}
        return {name: inner if name in kept and isinstance(inner, str) else _marked(inner, mark)
                for name, inner in value.items()}  # fmt: skip
    if isinstance(value, list):
        return [_marked(inner, mark) if isinstance(inner, dict | list) else inner for inner in value]
    return value + mark if isinstance(value, str) and " " in value else value


def changed(value: Json, rng: random.Random) -> Json:
    """One change somewhere in the record."""
    if rng.random() < 0.15 or not isinstance(value, dict | list) or not value:
        return rng.choice(HOSTILE)
    if isinstance(value, list):
        place = rng.randrange(len(value))
        return [changed(inner, rng) if at == place else inner for at, inner in enumerate(value)]
    made = dict(value)
    name = rng.choice(list(made))
    chance = rng.random()
    if chance < 0.15:
        del made[name]
    elif chance < 0.35:
        made[rng.choice(NAMES)] = rng.choice(HOSTILE)
    elif chance < 0.45:
        made[rng.choice(NAMES)] = made.pop(name)
    else:
        made[name] = changed(made[name], rng)
    return made


def broken(line: str, rng: random.Random) -> str:
    deep = rng.choice([150, 500, 900, 5_000])
    return rng.choice([
        line[: rng.randrange(len(line))], line + line, "[" * deep + "]" * deep, f'{{"meta": {"[" * deep}{"]" * deep}}}',
        line.replace(":", ": Infinity, ", 1), line.replace('"', "'"), "\x00" + line, "  ", line + "\x0b",
    ])  # fmt: skip
