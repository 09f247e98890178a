"""`manage.py export` from end to end, beside PostgreSQL's own COPY of the same rows as JSON in the same order.

    python -m benchmarks.exports --rankings 100000 1000000 --preferences 100000 --lived-in 100000

Makes a database of its own beside the one of DATABASE_URL, fills it with comparisons of four completions of realistic
lengths, each ranked once, and drops it at the end (`--keep` keeps it and uses what an earlier run left). Prints a line
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
from urllib.parse import urlsplit, urlunsplit

import psycopg2
from psycopg2.extensions import connection as Connection

from benchmarks import imports

ROOT = Path(__file__).resolve().parent.parent
SLUG = "bench"
FILLED = "filled"
SESSION = "duologue-export"  # as exports/snapshot.py names it
TABLES = ("labeling_comparison", "labeling_ranking", "labeling_candidate", "sampler_completion")

# Columns that Django fills: here the database does, so that the statements below name only what matters.
REQUIRED = """
SELECT table_name, column_name, data_type FROM information_schema.columns
WHERE table_name = ANY(%s) AND is_nullable = 'NO' AND column_default IS NULL AND data_type <> 'uuid'
"""
DEFAULTS = {
    "integer": "0", "smallint": "0", "bigint": "0", "double precision": "0", "boolean": "false", "jsonb": "'{}'",
    "text": "''", "character varying": "''", "timestamp with time zone": "now()",
}  # fmt: skip
WORDS = """the of and to in is that for it as was with be by on not he his but at are this have from or had an they
which one you were all her she there would their we him been has when who will no more if out so up said what its about
than into them can only other time new some could these two may first then do any like my now over such our man me even
most made after also did many off before must well back through years much where your way down should because long each
just state people those too mr how little good world make very year still see own work men day get here old between both
under never same another know while last might us great go come since against right came take used himself few house use
during without again place american around however home small found thought went say part once general high upon school
every does got united left number course war until always away something fact though water less public put thing almost
hand enough far took head yet government system set better told nothing night end why called eyes find going look asked
later knew"""
# Everything is written in the order of time, a second apart, as a project grows; `place` is who ranks when.
FILL = """
SELECT setseed(0.42);
CREATE TEMP TABLE paragraph AS
SELECT p AS id, string_agg(w, ' ' ORDER BY n) AS text FROM (
    SELECT p, n, (regexp_split_to_array(%(words)s, '\\s+'))[1 + floor(random() * 213)::int] AS w
    FROM generate_series(1, 4000) p, generate_series(1, 260) n
) words GROUP BY p;
ALTER TABLE paragraph ADD PRIMARY KEY (id);
CREATE TEMP TABLE item AS
SELECT n, gen_random_uuid() AS id, date_trunc('second', now()) - (%(n)s - n + 10) * interval '1 second' AS at,
    1 + floor(random() * 3999)::int AS a, 1 + floor(random() * 3999)::int AS b, 1 + floor(random() * 3999)::int AS c,
    row_number() OVER (ORDER BY CASE WHEN %(shuffled)s THEN random() ELSE n END) AS place
FROM generate_series(1, %(n)s) n;
INSERT INTO labeling_comparison (id, project_id, kind, state, prompt, prompt_key, split, k, votes_wanted,
    created_at, opened_at, closed_at)
SELECT x.id, %(project)s, 'normal', 'closed', jsonb_build_array(
        jsonb_build_object('role', 'user', 'content', first),
        jsonb_build_object('role', 'assistant', 'content', substr(b.text, 1, 300)),
        jsonb_build_object('role', 'user', 'content', substr(c.text, 1, 80))),
    encode(sha256(convert_to(first, 'UTF8')), 'hex'), CASE WHEN random() < 0.1 THEN 'test' ELSE 'train' END, 4, 1,
    at, at, at
FROM (SELECT item.*, substr(text, 1 + floor(random() * 900)::int, 60 + floor(random() * 340)::int) || ' ' || n AS first
      FROM item JOIN paragraph ON paragraph.id = a) x
JOIN paragraph b ON b.id = x.b JOIN paragraph c ON c.id = x.c ORDER BY n;
CREATE TEMP TABLE part AS
SELECT gen_random_uuid() AS cid, id AS comparison, n, at, i AS index, 1 + floor(random() * 3999)::int AS a
FROM item, generate_series(0, 3) i;
INSERT INTO sampler_completion (id, index, model_label, text, finish_reason, params, provenance, prompt_tokens,
    completion_tokens, created_at)
SELECT cid, 0, 'model-' || index, substr(text, 1, 150 + (random() * random() * 1100)::int) || ' '
        || left(cid::text, 8),
    'provided', '{"n": 1, "seed": 7, "stop": [], "top_k": 0, "top_p": 1.0, "max_tokens": 256, "temperature": 0.8}',
    '{"engine": "hf", "device": "cpu", "dtype": "float32", "weights_hash": "8f3c2c1e5d7b", "template_hash": "77aa"}',
    120, 150, at
FROM part JOIN paragraph ON paragraph.id = part.a ORDER BY n, index;
INSERT INTO labeling_candidate (id, comparison_id, completion_id, index, is_original)
SELECT gen_random_uuid(), comparison, cid, index, index = 0 FROM part ORDER BY n, index;
INSERT INTO labeling_ranking (id, comparison_id, kind, order_shown, groups, ratings, strengths, seconds, label_weight,
    submitted_at)
SELECT gen_random_uuid(), item.id, 'vote', shown, ordered, ratings, '[]', 90, 1.0,
    date_trunc('second', now()) - (%(n)s - place + 5) * interval '1 second'
FROM item JOIN (SELECT comparison, jsonb_agg(cid ORDER BY random()) AS shown,
                    jsonb_agg(jsonb_build_array(cid) ORDER BY random()) AS ordered,
                    jsonb_object_agg(cid, 1 + floor(random() * 7)::int) AS ratings
                FROM part GROUP BY comparison) made ON made.comparison = item.id ORDER BY place;
"""
UPDATES = (  # a tenth of the rows at a time, in no order of theirs
    "UPDATE labeling_comparison SET extra_votes = extra_votes + 1 WHERE hashtext(id::text) % 10 = ANY(ARRAY[%s, -%s])",
    "UPDATE labeling_ranking SET seconds = seconds + 1 WHERE hashtext(id::text) % 10 = ANY(ARRAY[%s, -%s])",
    "UPDATE sampler_completion SET queue_ms = 1 WHERE hashtext(id::text) % 10 = ANY(ARRAY[%s, -%s])",
)

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
def database(name: str, n: int, *, keep: bool, lived_in: bool = False) -> Iterator[str]:
    """A database filled with `n` rankings; its URL is in the environment for the commands that follow.
    One that an earlier `--keep` left is used as it is."""
    url = os.environ["DATABASE_URL"]
    parts = urlsplit(url)
    name = f"{parts.path.lstrip('/')}_{name}"
    bench = urlunsplit(parts._replace(path="/" + name))
    admin = psycopg2.connect(url)
    admin.autocommit = True
    cursor = admin.cursor()
    cursor.execute("SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [name])
    filled = keep and cursor.fetchone() == (FILLED,)
    if not filled:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}" (FORCE)')
        cursor.execute(f'CREATE DATABASE "{name}"')
    os.environ["DATABASE_URL"] = bench
    try:
        manage("migrate", "-v0")
        if not filled and n:
            print(f"filling {n:,} rankings …", file=sys.stderr)
            with closing(psycopg2.connect(bench)) as connection:
                fill(connection, n, lived_in=lived_in)
            cursor.execute(f"COMMENT ON DATABASE \"{name}\" IS '{FILLED}'")
        yield bench
    finally:
        os.environ["DATABASE_URL"] = url
        if not keep:
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}" (FORCE)')
        admin.close()


def fill(connection: Connection, n: int, *, lived_in: bool) -> None:
    project = make_project(SLUG)
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off; SET work_mem = '256MB'; SET session_replication_role = replica")
        cursor.execute("ALTER TABLE labeling_ranking DROP CONSTRAINT IF EXISTS ranking_voted_has_trainer")
        cursor.execute(REQUIRED, [list(TABLES)])
        for table, column, kind in cursor.fetchall():
            cursor.execute(f"ALTER TABLE {table} ALTER {column} SET DEFAULT {DEFAULTS[kind]}")
        cursor.execute(FILL, {"project": project, "n": n, "words": WORDS, "shuffled": lived_in})
    connection.commit()
    connection.autocommit = True
    with connection.cursor() as cursor:
        for _ in range(3 if lived_in else 0):
            for tenth in range(10):
                for statement in UPDATES:
                    cursor.execute(statement.replace("% 10", "%% 10"), [tenth, tenth])
        cursor.execute("ANALYZE" if lived_in else "VACUUM ANALYZE")


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
    process = subprocess.Popen([sys.executable, str(ROOT / "manage.py"), *arguments], stdout=subprocess.DEVNULL)
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
    """Its id."""
    code = f"from labeling.projects import create_project; print(create_project(slug='{slug}', title='Bench').pk)"
    command = [sys.executable, str(ROOT / "manage.py"), "shell", "-v0", "-c", code]
    made = subprocess.run(command, capture_output=True, text=True, check=True)
    return made.stdout.strip().splitlines()[-1]


def warm(connection: Connection) -> None:
    """Read the tables once: what is compared is ways of reading them, not whether the disk was asked before."""
    with connection.cursor() as cursor:
        for table in TABLES:
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
    with tempfile.TemporaryDirectory(dir=given.scratch) as folder:
        scratch = Path(folder)
        for n, lived_in in sorted({(n, False) for n in given.rankings + given.preferences}
                                  | {(n, True) for n in given.lived_in}):  # fmt: skip
            name = f"{'lived_in' if lived_in else 'bench'}_{n}"
            filled = database(name, n, keep=given.keep, lived_in=lived_in)
            with filled as url, closing(psycopg2.connect(url)) as connection:
                if lived_in or n in given.rankings:
                    print(json.dumps(measure(connection, name, "rankings", COPY_RANKINGS, scratch)), flush=True)
                if lived_in or n in given.preferences:
                    print(json.dumps(measure(connection, name, "preferences", COPY_PAIRS, scratch)), flush=True)
        if given.imports:
            with database("bench_imports", 0, keep=False) as url, closing(psycopg2.connect(url)) as connection:
                found = imports.measured(sizes=given.imports, connection=connection, manage=manage, scratch=scratch,
                                         project=lambda slug: (make_project(slug), slug)[1])  # fmt: skip
                for row in found:
                    print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
