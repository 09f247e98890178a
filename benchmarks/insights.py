"""How long insights of a large project take: first fill, refresh with news, and the page.

    python -m benchmarks.insights --rankings 20000 145000

Finds or starts the servers (benchmarks/services.py), makes a database of its own and drops it at the end.
Rankings order K=4 texts of realistic lengths (six pairs each); three rounds, twelve trainers, 15% of
comparisons judged twice: 145,000 comparisons are a million pairs.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

import psycopg2
from psycopg2.extensions import connection as Connection

from benchmarks import services

if TYPE_CHECKING:
    from accounts.models import User
    from labeling.models import Project

T = TypeVar("T")

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

# A round, a trainer and a model version for everything, and second votes; the texts: benchmarks/filling_exports.py.
PEOPLE = """
INSERT INTO labeling_round (id, project_id, number, note, opened_at, closed_at)
SELECT gen_random_uuid(), %(project)s, n, '', now() - interval '1 day',
    CASE WHEN n < 4 THEN now() - interval '1 hour' END
FROM generate_series(2, 4) n;
UPDATE labeling_comparison c SET round_id = r.id FROM labeling_round r
WHERE r.number = 2 + abs(hashtext(c.id::text)) %% 3;
UPDATE sampler_completion SET model_label = 'model-' || abs(hashtext(id::text)) %% 4,
    text = CASE WHEN abs(hashtext(id::text)) %% 5 = 0 THEN E'# Heading\n\n- one\n- **two**\n\n' || text ELSE text END;
UPDATE labeling_ranking r SET trainer_id = p.id,
    submitted_at = now() - interval '2 hours' - random() * interval '40 days' FROM person p
WHERE p.n = abs(hashtext(r.id::text)) %% 12;
INSERT INTO labeling_ranking (id, comparison_id, trainer_id, kind, order_shown, groups, ratings, flags, flags_version,
    strengths, not_rankable, note, contradiction_confirmed, seconds, label_weight, submission_hash, submitted_at)
SELECT gen_random_uuid(), r.comparison_id, p.id, 'vote', r.order_shown, (SELECT jsonb_agg(g ORDER BY random())
    FROM jsonb_array_elements(r.groups) g), r.ratings, '{}', 1, '[]', '', '', false, 40 + (random() * 100)::int, 1.0,
    '', r.submitted_at + interval '1 hour'
FROM labeling_ranking r JOIN person p ON p.n = (abs(hashtext(r.id::text)) + 1) %% 12
WHERE abs(hashtext(r.comparison_id::text)) %% 100 < 15;
"""


def people(connection: Connection, project: Project) -> None:
    from accounts.models import User

    users = [User.objects.get_or_create(username=f"bench{n}")[0] for n in range(12)]
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE person (n int, id bigint)")
        cursor.executemany("INSERT INTO person VALUES (%s, %s)", [(n, user.pk) for n, user in enumerate(users)])
        cursor.execute(PEOPLE, {"project": str(project.pk)})
        cursor.execute("DROP TABLE person")
    connection.commit()
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    connection.autocommit = False


def timed(label: str, work: Callable[[], T]) -> T:
    began = time.perf_counter()
    found = work()
    print(f"{label:<52} {time.perf_counter() - began:8.2f} s", flush=True)
    return found


def measure(project: Project, mona: User) -> None:
    from django.db import connection
    from django.test import Client
    from django.urls import reverse

    from insights import judgements, reports
    from labeling.models import Ranking

    client = Client()
    client.force_login(mona)
    page = reverse("insights:project", args=[project.slug])
    changed = timed("first fill of the compact rows", lambda: judgements.catch_up(project))
    timed("first report (all rounds and each)", lambda: reports.refresh(project, force=True))
    timed("page, first opening", lambda: client.get(page))
    timed("page, again", lambda: client.get(page))
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE labeling_ranking SET undone_at = now() WHERE id IN (SELECT id FROM labeling_ranking LIMIT 100)"""
        )
    timed("compact rows, 100 rankings undone", lambda: judgements.catch_up(project))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE labeling_ranking SET undone_at = NULL, submitted_at = now() WHERE undone_at IS NOT NULL")
    timed("refresh with 100 new rankings, reports and all", lambda: reports.refresh(project))
    timed("refresh without news", lambda: reports.refresh(project))
    answer = timed("page after that", lambda: client.get(page))
    report = reports.insights_of(project)
    pairs = report["counts"]["pairs"] if report else 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    filled = changed.total() if changed else 0
    print(f"{filled:,} rows, {Ranking.objects.count():,} rankings, {pairs:,} pairs, page {answer.status_code}, "
          f"{len(answer.content) / 1024:.0f} kB, peak {peak:.0f} MB\n")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rankings", type=int, nargs="+", default=[20_000, 145_000], help="comparisons")
    parser.add_argument("--keep", action="store_true", help="keep the database")
    options = parser.parse_args()

    from benchmarks.exports import SLUG, filled_database

    for count in options.rankings:
        with services.servers(), filled_database("bench_insights", count, keep=options.keep) as url:
            os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
            measure_filled(url, count, SLUG)


def measure_filled(url: str, count: int, slug: str) -> None:
    """Measure in a database that holds `count` comparisons."""
    import django

    django.setup()
    from django.conf import settings
    from django.db import connections

    from labeling.models import Project
    from tests import makers

    settings.ALLOWED_HOSTS = ["*"]
    name = urlsplit(url).path.lstrip("/")
    settings.DATABASES["default"]["NAME"] = connections["default"].settings_dict["NAME"] = name
    project = Project.objects.get(slug=slug)
    with closing(psycopg2.connect(url)) as raw:
        people(raw, project)
    print(f"{count:,} comparisons", flush=True)
    measure(project, makers.make_member(project, f"manager{count}", role="manager"))
    connections.close_all()


if __name__ == "__main__":
    main()
