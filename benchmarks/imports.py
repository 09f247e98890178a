"""`manage.py import_dialogues` against Python's plain loop over the same lines, and against COPY.

    python -m benchmarks.imports --records 10000 100000

Runs on the servers of `benchmarks/services.py`, in a database of its own. Makes files of records of realistic
lengths, imports each into an empty project, and measures beside it a loop that reads the lines and parses them with
`json.loads`, and COPY of the same lines into a table without index or check. `benchmarks/exports.py` runs it too.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TypeAlias

import psycopg2
from psycopg2.extensions import connection as Connection

from benchmarks import services
from common.shapes import JsonObject

Manage: TypeAlias = Callable[..., tuple[float, float, float]]
"""Runs a management command: seconds, peak memory in MB of its largest process and of all together."""
Figures: TypeAlias = dict[str, str | float]

FILLER = """the of and to in is that for it as was with be by on not he his but at are this have from or had an they
which one you were all her she there would their we him been has when who will no more if out so up said what its"""
WORDS = FILLER.split()


def _text(rng: random.Random, least: int, most: int) -> str:
    return " ".join(rng.choices(WORDS, k=rng.randint(least, most)))


def _openai(rng: random.Random, number: int) -> JsonObject:
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


def _alpaca(rng: random.Random, number: int) -> JsonObject:
    """An instruction with its answer."""
    return {"instruction": f"{_text(rng, 10, 70)} {number}", "input": "", "output": _text(rng, 30, 200)}


MADE: dict[str, Callable[[random.Random, int], JsonObject]] = {"alpaca": _alpaca, "openai": _openai}


def _write(path: Path, make: Callable[[random.Random, int], JsonObject], n: int) -> int:
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


def _copied(connection: Connection, path: Path) -> float:
    began = time.perf_counter()
    with connection.cursor() as cursor, path.open("rb") as file:
        cursor.execute("CREATE TEMPORARY TABLE copied (line jsonb) ON COMMIT DROP")
        cursor.copy_expert("COPY copied FROM STDIN (FORMAT csv, DELIMITER E'\\x01', QUOTE E'\\x02')", file)
    connection.commit()
    return time.perf_counter() - began


def measured(
    *, sizes: list[int], connection: Connection, project: Callable[[str], str], manage: Manage, scratch: Path
) -> Iterator[Figures]:
    """One line of the table for each format and size. `project` makes one and returns its slug."""
    for n in sizes:
        for name, make in MADE.items():
            path = scratch / f"{name}-{n}.jsonl"
            size = _write(path, make, n)
            slug = project(f"imports-{name}-{n}")
            seconds, memory, _ = manage("import_dialogues", slug, name, str(path))
            figures = _figures(size, n, seconds, memory, _plain(path), _copied(connection, path))
            path.unlink()
            yield {"import": name, **figures}


def _figures(size: int, n: int, seconds: float, memory: float, plain: float, copied: float) -> Figures:
    return {
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


def manage(*arguments: str) -> tuple[float, float, float]:
    """One process, so that both memories are the same."""
    began = time.perf_counter()
    command = [sys.executable, str(services.ROOT / "manage.py"), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"manage.py {arguments[0]} failed")
    peak = usage.ru_maxrss / 1024
    return time.perf_counter() - began, peak, peak


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, nargs="*", default=[10_000, 100_000])
    parser.add_argument("--scratch", type=Path, help="where files are written; default a temporary folder")
    given = parser.parse_args()
    with (
        services.servers(),
        services.own_database("bench_imports") as url,
        services.django_on(url),
        closing(psycopg2.connect(url)) as connection,
        tempfile.TemporaryDirectory(dir=given.scratch) as scratch,
    ):
        from labeling.projects import create_project

        for row in measured(
            sizes=given.records, connection=connection, manage=manage, scratch=Path(scratch),
            project=lambda slug: create_project(slug=slug, title="Bench").slug,
        ):  # fmt: skip
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
