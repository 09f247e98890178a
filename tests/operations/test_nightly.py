"""The night: beat a minute ahead, two projects, the default worker killed in the middle of it."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from common import embedded
from common.environment import database_settings
from tests.operations.running import Running, eventually

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
    pytest.mark.timeout(500),
]

SET_UP = """
from labeling import comparisons, leases, projects, rankings
from labeling.models import Membership
from accounts.models import User
from tests import makers
alice = User.objects.create_user("alice")
for slug in ("north", "south"):
    project = projects.create_project(slug=slug, title=slug, guidelines="Be kind.", stock_target=0)
    projects.set_membership(project=project, user=alice, role=Membership.Role.TRAINER)
    for at in range(150):
        comparison = comparisons.bring(
            project=project, prompt=[{"role": "user", "content": f"Question {at}?"}],
            completions=[{"text": f"{word} {at}"} for word in ("Yes", "No", "Perhaps", "Never")],
        )[0]
        assignment, _ = leases.lease_next(project=project, trainer=alice)
        ids = assignment.order_shown
        rankings.submit_ranking(assignment=assignment, groups=[[ids[0]], ids[1:3], [ids[3]]])
print("set up")
"""


@pytest.fixture
def duologue(tmp_path: Path) -> Iterator[Running]:
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=3)  # time enough for the set-up on a busy machine
    at = soon.strftime("%H:%M")
    running = Running(tmp_path / "var", "--no-demo", "--no-sampler", DUOLOGUE_NIGHTLY_AT=at)
    running.start()
    try:
        yield running
    finally:
        running.stop()


def rows(duologue: Running, query: str) -> list[tuple[str, ...]]:
    settings = database_settings(embedded.discover(duologue.var).database_url)
    connection = psycopg2.connect(dbname=settings["NAME"], user=settings["USER"], host=settings["HOST"])
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(query)
            return [tuple(map(str, row)) for row in cursor.fetchall()]
    finally:
        connection.close()


def test_a_night_whose_worker_is_killed_ends_with_one_finished_run_for_each_project(duologue: Running) -> None:
    answer = duologue.manage("shell", "-c", SET_UP)
    assert answer.stdout.strip().endswith("set up"), answer.stderr
    worker = duologue.processes()["worker"]
    running = "SELECT 1 FROM exports_exportrun WHERE state = 'running'"
    eventually(lambda: rows(duologue, running), "a nightly run begun", seconds=240)
    os.killpg(worker, signal.SIGKILL)

    states = "SELECT p.slug, r.state, r.night, r.path, r.attempts FROM exports_exportrun r "
    states += "JOIN labeling_project p ON p.id = r.project_id ORDER BY p.slug"
    eventually(lambda: [row[1] for row in rows(duologue, states)] == ["finished"] * 2, "both finished", seconds=200)
    found = rows(duologue, states)
    assert [row[0] for row in found] == ["north", "south"]
    assert len({row[2] for row in found}) == 1
    exports = duologue.var / "exports"
    for _, _, _, path, _ in found:
        manifest = json.loads((exports / path / "manifest.json").read_text())
        for file in manifest["files"]:
            assert (exports / path / file["path"]).exists()
    partial = [path for path in exports.rglob(".*") if path.name.startswith(".")]
    assert not partial
