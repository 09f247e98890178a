"""Exports against PostgreSQL's own COPY and against a plain Python loop, in one run.

    python benchmarks/exports.py --rankings 10000 100000 1000000 --preferences 100000

Makes a database of its own beside the one of DATABASE_URL, fills it with K=4 comparisons of
realistic lengths, and drops it at the end (`--keep` keeps it and uses what an earlier one left). Prints
rows/s, MB/s, peak memory of the export's process and the ratios to:
  copy-json   COPY (SELECT the same rows as JSON) TO STDOUT
  copy-bare   COPY of a table that holds just the exported lines
  python      a cursor and json.dumps, row by row
and for imports (`benchmarks/imports.py`) the ratios to Python's plain loop over the lines and to COPY.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg2

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import imports  # noqa: E402 - runs as a script and as a module

SLUG = "bench"
FILLED = "filled"

# Columns that Django fills: here the database does, so that the statements below name only what matters.
REQUIRED = """
SELECT table_name, column_name, data_type FROM information_schema.columns
WHERE table_name IN ('labeling_comparison', 'labeling_ranking', 'labeling_candidate', 'sampler_completion')
  AND is_nullable = 'NO' AND column_default IS NULL AND data_type <> 'uuid'
"""
DEFAULTS = {
    "integer": "0", "smallint": "0", "bigint": "0", "double precision": "0", "boolean": "false", "jsonb": "'{}'",
    "text": "''", "character varying": "''", "timestamp with time zone": "now()",
}  # fmt: skip
FILL = """
SELECT setseed(0.42);
CREATE TEMP TABLE paragraph AS
SELECT p AS id, string_agg(w, ' ' ORDER BY n) AS text FROM (
    SELECT p, n, (string_to_array('the of and to in is that for it as was with be by on not he his but at are this have
 from
 or had an they which one you were all her she there would their we him been has when who will no more if out so up
 said what its about than into them can only other time new some could these two may first then do any like my now over
 such our man me even most made after also did many off before must well back through years much where your way down
 should because long each just state people those too mr how little good world make very year still see own work men day
 get here old between both under never same another know while last might us great go come since against right came
 take used himself few house use during without again place american around however home small found thought went say
 part once general high upon school every don''t does got united left number course war until always away something fact
 though water less public put thing almost hand enough far took head yet government system set better told nothing night
 end why called didn''t eyes find going look asked later knew', ' '))[1 + floor(random() * 220)::int] AS w
    FROM generate_series(1, 4000) p, generate_series(1, 260) n
) words GROUP BY p;
ALTER TABLE paragraph ADD PRIMARY KEY (id);
INSERT INTO labeling_comparison (id, project_id, round_id, kind, state, discard_reason, prompt, prompt_key, split,
    source, content_hash, k, votes_wanted, explanation, resamples, created_at, opened_at, closed_at)
SELECT gen_random_uuid(), %(project)s, NULL, 'normal', 'closed', '', jsonb_build_array(
        jsonb_build_object('role', 'user', 'content', first),
        jsonb_build_object('role', 'assistant', 'content', substr(c.text, 1, 300)),
        jsonb_build_object('role', 'user', 'content', substr(d.text, 1, 80))),
    encode(sha256(convert_to(first, 'UTF8')), 'hex'), CASE WHEN random() < 0.1 THEN 'test' ELSE 'train' END, '', '',
    4, 1, '', 0, now(), now(), now()
FROM (SELECT n, substr(a.text, 1 + floor(random() * 900)::int, 60 + floor(random() * 340)::int) || ' ' || n AS first,
             1 + floor(random() * 3999)::int AS c, 1 + floor(random() * 3999)::int AS d
      FROM (SELECT n, 1 + floor(random() * 3999)::int AS a FROM generate_series(1, %(n)s) n) i
      JOIN paragraph a ON a.id = i.a) x
JOIN paragraph c ON c.id = x.c JOIN paragraph d ON d.id = x.d;
CREATE TEMP TABLE part AS
SELECT gen_random_uuid() AS cid, c.id AS comparison, i AS index, 1 + floor(random() * 3999)::int AS a
FROM labeling_comparison c, generate_series(0, 3) i;
INSERT INTO sampler_completion (id, index, model_label, text, finish_reason, params, provenance, prompt_tokens,
    completion_tokens, created_at)
SELECT cid, 0, 'model-' || index, substr(p.text, 1, 150 + (random() * random() * 1100)::int) || ' '
        || left(cid::text, 8),
    'provided', '{"n": 1, "seed": 7, "stop": [], "top_k": 0, "top_p": 1.0, "max_tokens": 256, "temperature": 0.8}',
    '{"engine": "hf", "device": "cpu", "dtype": "float32", "weights_hash": "8f3c2c1e5d7b", "template_hash": "77aa"}',
    120, 150, now()
FROM part JOIN paragraph p ON p.id = part.a;
INSERT INTO labeling_candidate (id, comparison_id, completion_id, index, is_original)
SELECT gen_random_uuid(), comparison, cid, index, index = 0 FROM part;
INSERT INTO labeling_ranking (id, comparison_id, kind, order_shown, groups, ratings, flags, flags_version, strengths,
    not_rankable, note, contradiction_confirmed, seconds, label_weight, submission_hash, submitted_at)
SELECT gen_random_uuid(), comparison, 'vote',
    jsonb_agg(cid ORDER BY random()),
    jsonb_agg(jsonb_build_array(cid) ORDER BY random()),
    jsonb_object_agg(cid, 1 + floor(random() * 7)::int), '{}', 1, '[]', '', '', false, 90, 1.0, '', now()
FROM part GROUP BY comparison;
"""

COPY_JSON = """
SELECT json_build_object('id', r.id, 'context', c.prompt, 'completions', (
        SELECT json_agg(json_build_object('rank', r.groups @> to_jsonb(x.id), 'completion', json_build_array(
            json_build_object('role', 'assistant', 'content', x.text)), 'completion_id', x.id, 'model', x.model_label,
            'overall', r.ratings->x.id::text, 'params', x.params, 'finish_reason', x.finish_reason))
        FROM labeling_candidate k JOIN sampler_completion x ON x.id = k.completion_id WHERE k.comparison_id = c.id),
    'prompt_id', c.id, 'created_at', r.submitted_at, 'seconds', r.seconds, 'label_weight', r.label_weight)
FROM labeling_ranking r JOIN labeling_comparison c ON c.id = r.comparison_id ORDER BY r.id
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
ORDER BY r.id, a.id, b.id
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
def database(n: int, keep: bool) -> Iterator[str]:
    """A database filled with `n` comparisons; its URL is in the environment for the commands that follow.
    One that an earlier `--keep` left is used as it is."""
    url = os.environ["DATABASE_URL"]
    parts = urlsplit(url)
    name = f"{parts.path.lstrip('/')}_bench_{n}"
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
            print(f"filling {n:,} comparisons …", file=sys.stderr)
            with closing(psycopg2.connect(bench)) as connection:
                fill(connection, n)
            cursor.execute(f"COMMENT ON DATABASE \"{name}\" IS '{FILLED}'")
        yield bench
    finally:
        os.environ["DATABASE_URL"] = url
        if not keep:
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}" (FORCE)')
        admin.close()


def manage(*arguments: str) -> tuple[float, float, float]:
    """Run a management command; seconds, the peak memory in MB of its largest process, and the highest sum of
    all its processes seen five times a second (PSS: what they share counts once)."""
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, str(ROOT / "manage.py"), *arguments], stdout=subprocess.DEVNULL)
    most, done, looked = 0.0, 0, began
    while not done:
        time.sleep(0.02)
        done, status, usage = os.wait4(process.pid, os.WNOHANG)
        if time.perf_counter() - looked > 0.2:
            most, looked = max(most, sum(map(_held, _tree(process.pid)))), time.perf_counter()
    process.returncode = 0
    if status:
        raise SystemExit(f"manage.py {arguments[0]} failed")
    return time.perf_counter() - began, usage.ru_maxrss / 1024, most


def _tree(pid: int) -> list[int]:
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += [p for child in task.read_text().split() for p in _tree(int(child))]
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
    made = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "shell", "-v0", "-c", code],
        capture_output=True,
        text=True,
        check=True,
    )
    return made.stdout.strip().splitlines()[-1]


def fill(connection: Any, n: int) -> None:
    project = make_project(SLUG)
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off; SET work_mem = '256MB'; SET session_replication_role = replica")
        cursor.execute("ALTER TABLE labeling_ranking DROP CONSTRAINT IF EXISTS ranking_voted_has_trainer")
        cursor.execute(REQUIRED)
        for table, column, kind in cursor.fetchall():
            cursor.execute(f"ALTER TABLE {table} ALTER {column} SET DEFAULT {DEFAULTS[kind]}")
        cursor.execute(FILL, {"project": project, "n": n})
    connection.commit()
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    connection.autocommit = False


def warm(connection: Any) -> None:
    """Read the tables once: what is compared is ways of reading them, not whether the disk was asked before."""
    with connection.cursor() as cursor:
        for table in ("labeling_comparison", "labeling_ranking", "labeling_candidate", "sampler_completion"):
            cursor.execute(f"SELECT count(ctid) FROM {table}")
    connection.rollback()


def copy(connection: Any, query: str, path: Path) -> tuple[float, Sink]:
    sink = Sink(path)
    began = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.copy_expert(f"COPY ({query}) TO STDOUT", sink)
    sink.close()
    connection.rollback()
    path.unlink()
    return time.perf_counter() - began, sink


def bare(connection: Any, files: list[Path], scratch: Path) -> tuple[float, Sink]:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bare_lines; CREATE UNLOGGED TABLE bare_lines (line text)")
        for path in files:
            with path.open("rb") as file:
                cursor.copy_expert("COPY bare_lines FROM STDIN (FORMAT csv, DELIMITER E'\\x01', QUOTE E'\\x02')", file)
    connection.commit()
    result = copy(connection, "SELECT line FROM bare_lines", scratch)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE bare_lines")
    connection.commit()
    return result


def plain(connection: Any, query: str, limit: int) -> tuple[float, int, int]:
    """A cursor, a dict and json.dumps for each row."""
    began, size, rows = time.perf_counter(), 0, 0
    with connection.cursor("plain") as cursor:
        cursor.execute(f"{query} LIMIT {limit}")
        for (row,) in cursor:
            size += len(json.dumps(row, ensure_ascii=False).encode()) + 1
            rows += 1
    connection.rollback()
    return time.perf_counter() - began, size, rows


def measure(connection: Any, n: int, config: str, query: str, scratch: Path) -> dict[str, Any]:
    target = scratch / f"{config}-{n}"
    warm(connection)
    seconds, memory, together = manage("export", SLUG, "--out", str(target), "--config", config)
    files = sorted((target / config).iterdir())
    size = sum(path.stat().st_size for path in files)
    manifest = json.loads((target / "manifest.json").read_text())
    rows = sum(file["rows"] for file in manifest["files"])
    json_seconds, json_sink = copy(connection, query, scratch / "copy")
    bare_seconds, bare_sink = bare(connection, files, scratch / "copy")
    plain_seconds, plain_size, _ = plain(connection, query, min(n, 20_000))
    shutil.rmtree(target)
    speed = size / seconds / 1e6
    copy_speed, bare_speed = json_sink.bytes / json_seconds / 1e6, bare_sink.bytes / bare_seconds / 1e6
    return {
        "comparisons": n,
        "config": config,
        "rows": rows,
        "seconds": round(seconds, 1),
        "rows/s": round(rows / seconds),
        "MB/s": round(speed, 1),
        "peak MB": round(memory),
        "all processes MB": round(together),
        "copy-json MB/s": round(copy_speed, 1),
        "copy-bare MB/s": round(bare_speed, 1),
        "python MB/s": round(plain_size / plain_seconds / 1e6, 1),
        "of copy-json": round(speed / copy_speed, 2),
        "of copy-bare": round(speed / bare_speed, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rankings", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--preferences", type=int, nargs="*", default=[100_000])
    parser.add_argument("--imports", type=int, nargs="*", default=[10_000, 100_000], help="records")
    parser.add_argument("--scratch", type=Path, help="where files are written; default a temporary folder")
    parser.add_argument("--keep", action="store_true", help="keep the database")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.scratch) as scratch:
        for n in sorted({*given.rankings, *given.preferences}):
            with database(n, given.keep) as url, closing(psycopg2.connect(url)) as connection:
                for config, wanted, query in (
                    ("rankings", given.rankings, COPY_JSON),
                    ("preferences", given.preferences, COPY_PAIRS),
                ):
                    if n in wanted:
                        print(json.dumps(measure(connection, n, config, query, Path(scratch))), flush=True)
        if given.imports:
            with database(0, False) as url, closing(psycopg2.connect(url)) as connection:
                for row in imports.measured(
                    sizes=given.imports,
                    connection=connection,
                    project=lambda slug: (make_project(slug), slug)[1],
                    manage=manage,
                    scratch=Path(scratch),
                ):
                    print(json.dumps(row), flush=True)
    print(f"this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB", file=sys.stderr)


if __name__ == "__main__":
    main()
