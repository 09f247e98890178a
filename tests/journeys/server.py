"""The application under test in a process of its own: uvicorn on the test database.

pytest-django's live server is WSGI and cannot stream.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from django.conf import settings
from django.db import connection

from tests.stand_ins.hub import TOKEN

BASE_DIR = Path(__file__).resolve().parents[2]
ADDRESS = "/requests-at-work"  # of counted.py, which starts our application when it is imported
Found = TypeVar("Found")


def database_url() -> str:
    """The test database's address, as the server's environment takes it."""
    parts = connection.settings_dict
    user = quote(str(parts["USER"] or "postgres"))
    password = f":{quote(str(parts['PASSWORD']))}" if parts["PASSWORD"] else ""
    host, port = str(parts["HOST"] or ""), str(parts["PORT"] or "")
    if host.startswith("/"):
        return f"postgresql://{user}{password}@/{parts['NAME']}?host={quote(host)}" + (f"&port={port}" if port else "")
    return f"postgresql://{user}{password}@{host or 'localhost'}{':' + port if port else ''}/{parts['NAME']}"


def wait_for(check: Callable[[], Found | None], *, seconds: float = 40.0) -> Found:
    """The first true value of `check()`."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if value := check():
            return value
        time.sleep(0.05)
    raise AssertionError("did not happen in time")


UNDER_WAY = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'
"""


@dataclass
class Server:
    """The application under test; can be stopped and started again on the same port."""

    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        env = os.environ | {
            "DATABASE_URL": database_url(), "REDIS_URL": settings.REDIS_URL, "DUOLOGUE_LOG_LEVEL": "WARNING",
            "PYTHONWARNINGS": "ignore", "SECRET_KEY": settings.SECRET_KEY,
            "HF_TOKEN": TOKEN, "HF_ENDPOINT": "http://127.0.0.1:9", "DUOLOGUE_HUB_NAMESPACES": "acme",
        }  # fmt: skip
        env.pop("DJANGO_ALLOW_ASYNC_UNSAFE", None)
        command = [sys.executable, "-m", "uvicorn", "tests.journeys.counted:application", "--port", str(self.port),
                   "--http", "common.serving.bounded_http:BoundedHttp",
                   "--log-level", "warning", "--timeout-graceful-shutdown", "1"]  # fmt: skip
        self.process = subprocess.Popen(command, cwd=BASE_DIR, env=env)
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                urllib.request.urlopen(f"{self.url}/static/css/duologue.css", timeout=2)
                return
            except OSError:
                time.sleep(0.1)
        self.stop()
        raise TimeoutError("the server under test did not start")

    def let_requests_end(self, *, seconds: float = 30.0) -> None:
        """What a page sent as it closed is answered before the tables are emptied: the two would wait for each other,
        or it would write into the next test."""
        until, quiet = time.monotonic() + seconds, 0
        with connection.cursor() as cursor:
            while quiet < 2 and time.monotonic() < until:
                at_work = self._at_work()
                cursor.execute(UNDER_WAY)
                quiet = quiet + 1 if cursor.fetchone() == (0,) and not at_work else 0
                time.sleep(0.02)

    def _at_work(self) -> int:
        """Requests that the server has not answered to their end."""
        if self.process is None:
            return 0
        with urllib.request.urlopen(f"{self.url}{ADDRESS}", timeout=30) as answer:
            return int(answer.read())

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
            self.process = None
