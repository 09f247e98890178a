"""The import half of `benchmarks/exports.py`: the command against Python's plain loop over the same lines.

Makes files of records of realistic lengths, imports each into an empty project of the database of
DATABASE_URL, and measures beside it a loop that reads the lines and parses them with `json.loads`, and COPY
of the same lines into a table without index or check.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

FILLER = """the of and to in is that for it as was with be by on not he his but at are this have from or had an they
which one you were all her she there would their we him been has when who will no more if out so up said what its"""
WORDS = FILLER.split()


def _text(rng: random.Random, least: int, most: int) -> str:
    return " ".join(rng.choices(WORDS, k=rng.randint(least, most)))


def _openai(rng: random.Random, number: int) -> dict[str, Any]:
    """A prompt of three messages with four completions and their order."""
    names = ["a", "b", "c", "d"]
    return {
        "messages": [
            {"role": "user", "content": f"{_text(rng, 10, 70)} {number}"},
            {"role": "assistant", "content": _text(rng, 40, 70)},
            {"role": "user", "content": _text(rng, 5, 20)},
        ],
        "completions": [{"id": name, "text": _text(rng, 30, 200)} for name in names],
        "ranking": [[name] for name in rng.sample(names, 4)],
    }


def _alpaca(rng: random.Random, number: int) -> dict[str, Any]:
    """An instruction with its answer."""
    return {"instruction": f"{_text(rng, 10, 70)} {number}", "input": "", "output": _text(rng, 30, 200)}


MADE: dict[str, Callable[[random.Random, int], dict[str, Any]]] = {"alpaca": _alpaca, "openai": _openai}


def _write(path: Path, make: Callable[[random.Random, int], dict[str, Any]], n: int) -> int:
    rng = random.Random(7)
    with path.open("w") as file:
        for number in range(n):
            file.write(json.dumps(make(rng, number), ensure_ascii=False) + "\n")
    return path.stat().st_size


def _plain(path: Path) -> float:
    began = time.perf_counter()
    with path.open() as file:
        for line in file:
            json.loads(line)
    return time.perf_counter() - began


def _copied(connection: Any, path: Path) -> float:
    began = time.perf_counter()
    with connection.cursor() as cursor, path.open("rb") as file:
        cursor.execute("CREATE TEMPORARY TABLE copied (line jsonb) ON COMMIT DROP")
        cursor.copy_expert("COPY copied FROM STDIN (FORMAT csv, DELIMITER E'\\x01', QUOTE E'\\x02')", file)
    connection.commit()
    return time.perf_counter() - began


def measured(
    *, sizes: list[int], connection: Any, project: Callable[[str], str], manage: Callable[..., Any], scratch: Path
) -> Iterator[dict[str, Any]]:
    """One line of the table for each format and size. `project` makes one and returns its slug, `manage` runs a
    command and returns its seconds and peak memory in MB."""
    for n in sizes:
        for name, make in MADE.items():
            path = scratch / f"{name}-{n}.jsonl"
            size = _write(path, make, n)
            slug = project(f"imports-{name}-{n}")
            seconds, memory, _ = manage("import_dialogues", slug, name, str(path))
            plain, copied = _plain(path), _copied(connection, path)
            path.unlink()
            yield {
                "import": name,
                "records": n,
                "seconds": round(seconds, 1),
                "rows/s": round(n / seconds),
                "MB/s": round(size / seconds / 1e6, 1),
                "peak MB": round(memory),
                "python MB/s": round(size / plain / 1e6, 1),
                "copy jsonb MB/s": round(size / copied / 1e6, 1),
                "of python": round(plain / seconds, 3),
                "of copy jsonb": round(copied / seconds, 3),
            }
