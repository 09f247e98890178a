"""The Duologue that is soaked: its folder, its processes, its accounts, and how much memory each process holds."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.soak import valkey

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "soak"


@dataclass(frozen=True)
class Account:
    name: str
    token: str
    session: str


@dataclass
class Site:
    folder: Path
    disk_mb: int
    port: int = 0
    mounted: bool = False
    process: subprocess.Popen[bytes] | None = None
    memory: dict[int, list[tuple[float, int]]] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    inside: dict[int, list[valkey.Inside]] = field(default_factory=dict)  # of Valkey, by pid

    @property
    def var(self) -> Path:
        return self.folder / "var"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def open(self) -> None:
        """Make the folder, mount its file system where that is allowed, and start."""
        self.var.mkdir(parents=True)
        if self.disk_mb and os.getuid() == 0 and sys.platform == "linux":
            command = ["mount", "-t", "tmpfs", "-o", f"size={self.disk_mb}m,mode=700", "soak", str(self.var)]
            self.mounted = subprocess.run(command, capture_output=True).returncode == 0
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        for name in ("DATABASE_URL", "REDIS_URL", "DUOLOGUE_URL"):
            os.environ.pop(name, None)
        os.environ |= {
            "DUOLOGUE_VAR": str(self.var), "DUOLOGUE_PORT": str(self.port), "PYTHONPATH": str(ROOT),
            "DUOLOGUE_API_RATE": "100000/min", "SAMPLER_LEASE": "10", "DUOLOGUE_LOG_FORMAT": "json",
        }  # fmt: skip
        with (self.folder / "start.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "launcher.start", "--no-demo"],
                cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        until = time.monotonic() + 180
        while not self.ready(needs=("database", "redis", "migrations", "worker")):
            if self.process.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"It did not start: {(self.folder / 'start.log').read_text()[-500:]}")
            time.sleep(0.5)

    def ready(self, needs: tuple[str, ...] = ()) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:
                checks = json.load(answer)["checks"]
        except urllib.error.HTTPError as error:
            try:
                checks = json.load(error)["checks"]
            except (ValueError, KeyError, OSError):
                return False
        except (OSError, ValueError):
            return False
        return all(check["ok"] for name, check in checks.items() if not needs or name in needs)

    def furnish(self, trainers: int, stock: int) -> list[Account]:
        """A project with `stock` comparisons to rank, and `trainers` accounts with a token and a session each."""
        import django

        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        django.setup()
        from django.conf import settings
        from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
        from django.contrib.sessions.backends.db import SessionStore
        from django.db import connection

        from accounts import tokens
        from labeling import projects
        from sampler import registry
        from tests import makers

        with connection.cursor() as cursor:
            cursor.execute("ALTER SYSTEM SET max_wal_size = '128MB'")
            cursor.execute("SELECT pg_reload_conf()")
        project = makers.make_project(
            PROJECT, with_round=False, overlap_share=0.0, undo_minutes=60, max_tokens=40, stock_target=0
        )
        model, _ = registry.register_model(slug="soak-model", engine="fake")  # one that a worker answers with
        projects.open_round(project=project, policies=[(model, 1.0, {})])
        for _ in range(stock):
            makers.make_comparison(project)
        accounts = []
        for number in range(trainers):
            user = makers.make_member(project, f"trainer{number}")
            session = SessionStore()
            session[SESSION_KEY] = str(user.pk)
            session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
            session[HASH_SESSION_KEY] = user.get_session_auth_hash()
            session.create()
            secret = tokens.create(user=user, name="soak")
            accounts.append(Account(user.username, secret, str(session.session_key)))
        return accounts

    def children(self) -> dict[str, int]:
        """Pids by what they are: the children of bin/start and the two servers."""
        found: dict[str, int] = {}
        words = {"uvicorn": "web server", "worker": "default worker", "beat": "beat", "sampler": "sampler"}
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        for pid in map(int, children):
            command = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
            name = next((name for word, name in words.items() if word in command), None)
            if name is not None:
                found[name] = pid
        for name, path in (("PostgreSQL", "postgresql/postmaster.pid"), ("Valkey", "run/valkey.pid")):
            try:
                found[name] = int((self.var / path).read_text().split()[0])
            except (OSError, ValueError, IndexError):
                continue
        return found

    def logged(self, number: str) -> list[str]:
        """What the server wrote of the request with this number."""
        told = []
        for path in sorted((self.var / "log").glob("*.log*")):
            for line in path.read_text(errors="replace").splitlines():
                if number and number in line:
                    with contextlib.suppress(ValueError):
                        facts = json.loads(line)
                        cause = str(facts.get("exception", "")).strip().splitlines()[-1:]
                        told.append(" ".join([f"{facts['time']} {facts['message']}", *cause]))
        return told

    def weigh(self) -> None:
        """Note how much memory each child holds now."""
        for name, pid in self.children().items():
            try:
                lines = Path(f"/proc/{pid}/status").read_text().splitlines()
            except OSError:
                continue
            held = next((int(line.split()[1]) for line in lines if line.startswith("VmRSS")), 0)
            self.names[pid] = name
            self.memory.setdefault(pid, []).append((time.monotonic(), held))
            if name == "Valkey":
                with contextlib.suppress(Exception):  # it may be away just now
                    self.inside.setdefault(pid, []).append(valkey.look())

    def growth(self, *, after: float = 60.0) -> dict[str, float]:
        """By process: what it gained from its first minute's end to its last moment, the largest of each kind."""
        worst: dict[str, float] = {}
        for pid, series in self.memory.items():
            settled = [held for at, held in series if at - series[0][0] >= after]
            if len(settled) < 6:
                continue
            early, late = sorted(settled[:3])[1], sorted(settled[-3:])[1]
            name = self.names[pid]
            worst[name] = max(worst.get(name, -1.0), late / early - 1)
        return worst

    def close(self) -> None:
        """End what was started, and remove the folder."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=90)
            except subprocess.TimeoutExpired:
                self.process.kill()
        if self.mounted:
            subprocess.run(["umount", "-l", str(self.var)], capture_output=True, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)
