"""Fills the database of `benchmarks/exports.py`: comparisons of four completions of realistic lengths, each ranked
once, by whole sets in SQL, since a million rankings made one by one would take hours."""

from __future__ import annotations

from psycopg2.extensions import connection as Connection

FILLED = "filled"  # the comment on a database that was filled to the end
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


def is_filled(connection: Connection) -> bool:
    """Whether `fill` came to its end here."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()"
        )
        found: tuple[str | None] | None = cursor.fetchone()
    connection.rollback()
    return found == (FILLED,)


def fill(connection: Connection, *, project: str, n: int, lived_in: bool) -> None:
    """`n` rankings of the project with that id; `lived_in`: ranked in random order and updated three times."""
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off; SET work_mem = '256MB'; SET session_replication_role = replica")
        cursor.execute(f"TRUNCATE {', '.join(TABLES)} CASCADE")  # what a run broken off left
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
        cursor.execute(f"COMMENT ON DATABASE \"{connection.info.dbname}\" IS '{FILLED}'")
