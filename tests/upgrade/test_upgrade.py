"""The first release's database becomes this release's, with everything in it, while the site goes on."""

from __future__ import annotations

import threading
import time

import pytest

from tests.upgrade.old import Old, loaded

pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.timeout(300)]

TABLES = (
    "accounts_user", "accounts_auditentry", "labeling_project", "labeling_membership", "labeling_dialogue",
    "labeling_turn", "labeling_turnfeedback", "labeling_comparison", "labeling_candidate", "labeling_assignment",
    "labeling_ranking", "labeling_review", "sampler_completion", "sampler_samplerequest", "exports_exportrun",
)  # fmt: skip


def facts(old: Old) -> dict[str, object]:
    counted = {table: old.ask(f"SELECT count(*) FROM {table}")[0][0] for table in TABLES}
    counted["rankings"] = old.ask("SELECT id, groups::text, note, undone_at FROM labeling_ranking ORDER BY id")
    counted["turns"] = old.ask("SELECT id, role, text FROM labeling_turn ORDER BY id")
    counted["states"] = old.ask("SELECT state, count(*) FROM labeling_dialogue GROUP BY state ORDER BY state")
    return counted


def test_everything_is_there_after_the_migrations() -> None:
    with loaded() as old:
        before = facts(old)
        answer = old.manage("migrate", "--no-input")
        assert answer.returncode == 0, answer.stderr
        assert facts(old) == before
        assert old.manage("migrate", "--check").returncode == 0
        code = (
            "from labeling.models import Ranking, Dialogue; "
            "print('read', sum(len(r.groups) for r in Ranking.objects.all()), Dialogue.objects.count())"
        )
        assert "read 11 6" in old.manage("shell", "-c", code).stdout


def test_people_go_on_reading_and_writing_meanwhile() -> None:
    """A reader in a long transaction and a writer: the migrations wait for neither longer than their lock timeout."""
    with loaded() as old:
        assert old.manage("migrate", "labeling", "0003").returncode == 0  # so that there is something to alter
        done = threading.Event()
        waits: list[float] = []
        errors: list[str] = []

        def write() -> None:
            made = old.connect()
            with made.cursor() as cursor:
                while not done.is_set():
                    began = time.monotonic()
                    try:
                        cursor.execute("UPDATE labeling_turn SET seconds = seconds + 1 WHERE position = 0")
                        cursor.execute("SELECT count(*) FROM labeling_ranking")
                        cursor.execute("INSERT INTO labeling_review SELECT * FROM labeling_review WHERE false")
                    except Exception as error:
                        errors.append(str(error))
                    waits.append(time.monotonic() - began)
                    time.sleep(0.02)
            made.close()

        def read_for_long() -> None:
            made = old.connect()
            made.autocommit = False
            with made.cursor() as cursor:
                for table in TABLES:
                    cursor.execute(f"SELECT count(*) FROM {table}")
                done.wait(6)
            made.close()

        threads = [threading.Thread(target=work) for work in (write, read_for_long)]
        for thread in threads:
            thread.start()
        answer = old.manage("prepare")
        done.set()
        for thread in threads:
            thread.join(30)
        assert answer.returncode == 0, answer.stderr
        assert not errors
        assert max(waits) < 4.0, f"somebody waited {max(waits):.1f} s"
