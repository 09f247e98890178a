"""`manage.py export` from end to end, beside PostgreSQL's own COPY of the same rows as JSON in the same order.

    python -m benchmarks.exports --rankings 100000 1000000 --preferences 100000 --lived-in 100000

Finds or starts the servers (benchmarks/services.py), makes a database of its own, fills it with comparisons of four
completions of realistic lengths, each ranked once (benchmarks/filling_exports.py), and drops it at the end (`--keep`
keeps it and uses what an earlier run left). Prints a line
of JSON for each export: rows and megabytes in a second, the highest memory of the export's own processes and, apart
from it, of its PostgreSQL sessions, and the ratio to `COPY (SELECT json …) TO STDOUT`. The start of Python and Django
is included. `--lived-in` is a table that was ranked in random order and whose rows were updated three times.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg2
from psycopg2.extensions import connection as Connection

from benchmarks import filling_exports, imports, services

SLUG = "bench"
SESSION = "duologue-export"  # as exports/snapshot.py names it

COPY_RANKINGS = """
SELECT json_build_object('id', r.id, 'context', c.prompt, 'completions', (
        SELECT json_agg(json_build_object('rank', r.groups @> to_jsonb(x.id), 'completion', json_build_array(
            json_build_object('role', 'assistant', 'content', x.text)), 'completion_id', x.id, 'model', x.model_label,
            'overall', r.ratings->x.id::text, 'params', x.params, 'finish_reason', x.finish_reason))
        FROM labeling_candidate k JOIN sampler_completion x ON x.id = k.completion_id WHERE k.comparison_id = c.id),
    'prompt_id', c.id, 'created_at', r.submitted_at, 'seconds', r.seconds, 'label_weight', r.label_weight)
FROM labeling_ranking r JOIN labeling_comparison c ON c.id = r.comparison_id ORDER BY r.submitted_at, r.id
"""
COPY_PAIRS = """
SELECT json_build_object('id', r.id, 'prompt', c.prompt,
    'chosen', json_build_array(json_build_object('role', 'assistant', 'content', a.text)),
    'rejected', json_build_array(json_build_object('role', 'assistant', 'content', b.text)),
    'chosen_completion_id', a.id, 'rejected_completion_id', b.id, 'prompt_id', c.id, 'created_at', r.submitted_at,
    'chosen_model_version', a.model_label, 'rejected_model_version', b.model_label,
    'label_weight', r.label_weight)
FROM labeling_ranking r JOIN labeling_comparison c ON c.id = r.comparison_id
JOIN labeling_candidate i ON i.comparison_id = c.id
JOIN labeling_candidate j ON j.comparison_id = c.id AND j.index > i.index
JOIN sampler_completion a ON a.id = i.completion_id JOIN sampler_completion b ON b.id = j.completion_id
ORDER BY r.submitted_at, r.id, a.id, b.id
"""


class Sink:
    """Counts what COPY sends, and writes it, as the export has to."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self.bytes = self.rows = 0

    def write(self, data: bytes) -> None:
        self._file.write(data)
        self.bytes += len(data)
        self.rows += 1

    def close(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()


@contextmanager
def filled_database(name: str, n: int, *, keep: bool, lived_in: bool = False) -> Iterator[str]:
    """A database filled with `n` rankings; its URL is in the environment for the commands that follow.
    One that an earlier `--keep` left is used as it is."""
    with services.own_database(name, keep=keep) as url, closing(psycopg2.connect(url)) as connection:
        manage("migrate", "-v0")
        if n and not filling_exports.is_filled(connection):
            print(f"filling {n:,} rankings …", file=sys.stderr)
            filling_exports.fill(connection, project=make_project(SLUG), n=n, lived_in=lived_in)
        connection.close()
        yield url


@dataclass
class Usage:
    """What a command took: `own` and `postgresql` are the highest sums of memory seen, in MB (PSS: what processes
    share counts once)."""

    seconds: float
    processor: float = 0.0  # seconds of it that the command's own process had
    largest: float = 0.0  # of one process, as the system counts it
    own: float = 0.0
    postgresql: float = 0.0


def manage(*arguments: str) -> tuple[float, float, float]:
    """Run a management command; seconds, and its memory twice over, as `benchmarks/imports.py` asks for it."""
    usage = used(*arguments)
    return usage.seconds, usage.largest, usage.own


def used(*arguments: str, watch: Connection | None = None) -> Usage:
    """Run a management command and look at its processes five times a second; with `watch`, a connection of another
    kind, at the export's sessions too."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, str(services.ROOT / "manage.py"), *arguments], stdout=subprocess.DEVNULL
    )
    usage, done, looked = Usage(0.0), 0, began
    while not done:
        time.sleep(0.02)
        done, status, resources = os.wait4(process.pid, os.WNOHANG)
        if not done and time.perf_counter() - looked > 0.2:
            looked = time.perf_counter()
            usage.own = max(usage.own, sum(map(_held, _tree(process.pid))))
            if watch is not None:
                usage.postgresql = max(usage.postgresql, sum(map(_held, _sessions(watch))))
    process.returncode = 0
    if status:
        raise SystemExit(f"manage.py {arguments[0]} failed")
    usage.seconds, usage.largest = time.perf_counter() - began, resources.ru_maxrss / 1024
    usage.processor = resources.ru_utime + resources.ru_stime
    return usage


def _tree(pid: int) -> list[int]:
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += [p for child in task.read_text().split() for p in _tree(int(child))]
    return found


def _sessions(connection: Connection) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE application_name = %s", [SESSION])
        found = [int(pid) for (pid,) in cursor.fetchall()]
    connection.rollback()
    return found


def _held(pid: int) -> float:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0


def make_project(slug: str) -> str:
    """Its id; one that a run broken off left is taken."""
    code = f"""from labeling.models import Project
from labeling.projects import create_project
print((Project.objects.filter(slug='{slug}').first() or create_project(slug='{slug}', title='Bench')).pk)"""
    command = [sys.executable, str(services.ROOT / "manage.py"), "shell", "-v0", "-c", code]
    made = subprocess.run(command, capture_output=True, text=True, check=True)
    return made.stdout.strip().splitlines()[-1]


def warm(connection: Connection) -> None:
    """Read the tables once: what is compared is ways of reading them, not whether the disk was asked before."""
    with connection.cursor() as cursor:
        for table in filling_exports.TABLES:
            cursor.execute(f"SELECT count(ctid) FROM {table}")
    connection.rollback()


def copy(connection: Connection, query: str, path: Path) -> tuple[float, Sink]:
    sink = Sink(path)
    began = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL jit = off")
        cursor.copy_expert(f"COPY ({query}) TO STDOUT", sink)
    sink.close()
    connection.rollback()
    path.unlink()
    return time.perf_counter() - began, sink


def measure(connection: Connection, name: str, config: str, query: str, scratch: Path) -> dict[str, float | str]:
    target = scratch / f"{config}-{name}"
    warm(connection)
    usage = used("export", SLUG, "--out", str(target), "--config", config, watch=connection)
    manifest = json.loads((target / "manifest.json").read_text())
    size, rows = (sum(file[what] for file in manifest["files"]) for what in ("bytes", "rows"))
    shutil.rmtree(target)
    copy_seconds, sink = copy(connection, query, scratch / "copy")
    speed, copy_speed = size / usage.seconds / 1e6, sink.bytes / copy_seconds / 1e6
    return {
        "table": name,
        "config": config,
        "rows": rows,
        "seconds": round(usage.seconds, 1),
        "rows/s": round(rows / usage.seconds),
        "MB/s": round(speed, 1),
        "own processor s": round(usage.processor, 1),
        "own processes MB": round(usage.own),
        "postgresql MB": round(usage.postgresql),
        "copy-json rows/s": round(sink.rows / copy_seconds),
        "copy-json MB/s": round(copy_speed, 1),
        "of copy-json": round(speed / copy_speed, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rankings", type=int, nargs="*", default=[100_000, 1_000_000])
    parser.add_argument("--preferences", type=int, nargs="*", default=[100_000])
    parser.add_argument("--lived-in", type=int, nargs="*", default=[100_000])
    parser.add_argument("--imports", type=int, nargs="*", default=[10_000, 100_000], help="records")
    parser.add_argument("--scratch", type=Path, help="where files are written; default a temporary folder")
    parser.add_argument("--keep", action="store_true", help="keep the database")
    given = parser.parse_args()
    with services.servers(), tempfile.TemporaryDirectory(dir=given.scratch) as folder:
        scratch = Path(folder)
        for n, lived_in in sorted({(n, False) for n in given.rankings + given.preferences}
                                  | {(n, True) for n in given.lived_in}):  # fmt: skip
            name = f"{'lived_in' if lived_in else 'bench'}_{n}"
            filled = filled_database(name, n, keep=given.keep, lived_in=lived_in)
            with filled as url, closing(psycopg2.connect(url)) as connection:
                if lived_in or n in given.rankings:
                    print(json.dumps(measure(connection, name, "rankings", COPY_RANKINGS, scratch)), flush=True)
                if lived_in or n in given.preferences:
                    print(json.dumps(measure(connection, name, "preferences", COPY_PAIRS, scratch)), flush=True)
        if given.imports:
            with filled_database("bench_imports", 0, keep=False) as url, closing(psycopg2.connect(url)) as connection:
                found = imports.measured(sizes=given.imports, connection=connection, manage=manage, scratch=scratch,
                                         project=lambda slug: (make_project(slug), slug)[1])  # fmt: skip
                for row in found:
                    print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
