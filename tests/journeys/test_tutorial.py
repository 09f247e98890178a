"""docs/api.md as a stranger follows it: its own commands, against a running server."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection

from exports import runs
from exports.models import ExportRun
from labeling.models import Ranking
from tests import makers
from tests.journeys.server import BASE_DIR, Server, database_url

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", (BASE_DIR / "docs" / "api.md").read_text(), re.S | re.M)


@pytest.fixture
def worker(transactional_db: None) -> Iterator[None]:
    """Writes exports that are asked for, as the Celery worker does."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.1):
            for run in ExportRun.objects.filter(state="queued"):
                if claimed := runs.claim(run_id=str(run.pk)):
                    runs.execute(run=claimed)
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    stop.set()
    thread.join()
    for run in ExportRun.objects.filter(state="finished"):
        runs.remove(run=run)


def test_the_tutorials_commands_bring_rank_and_export(live: Server, worker: None, tmp_path: Path) -> None:
    cache.clear()
    project = makers.make_project("demo")
    script = "\n".join(["set -e", *blocks("sh"), "python - <<'PYTHON'", *blocks("python"), "PYTHON", ""])
    environment = {
        **os.environ,
        "URL": live.url,
        "PROJECT": project.slug,
        "OUT": str(tmp_path / "export"),
        "DATABASE_URL": database_url(),
        "REDIS_URL": settings.REDIS_URL,
        "SECRET_KEY": settings.SECRET_KEY,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    environment.pop("DJANGO_ALLOW_ASYNC_UNSAFE", None)
    done = subprocess.run(
        ["bash", "-c", script], cwd=BASE_DIR, env=environment, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ranked: mine-1 > mine-2" in done.stdout
    assert Ranking.objects.count() == 2
    manifest = json.loads((tmp_path / "export" / "manifest.json").read_text())
    assert sum(file["rows"] for file in manifest["files"] if file["path"].startswith("preferences/")) == 2
