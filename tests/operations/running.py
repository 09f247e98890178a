"""A Duologue started for a test, as `bin/start` does it, on a folder and a port of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from common import processes
from tests.workers import free_port

T = TypeVar("T")
BASE = Path(__file__).resolve().parents[2]


def eventually(true: Callable[[], T], what: str, seconds: float = 120.0) -> T:
    until = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < until, f"never: {what}"
        time.sleep(0.1)
    return found


class Running:
    def __init__(self, var: Path, *arguments: str, **env: str) -> None:
        self.var, self.arguments = var, arguments
        self.port = free_port()
        self.env = {
            **os.environ, "DATABASE_URL": "", "REDIS_URL": "", "PYTHONPATH": str(BASE), "DUOLOGUE_VAR": str(var),
            "DUOLOGUE_PORT": str(self.port), **env,
        }  # fmt: skip
        self.output = var.parent / "start.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "launcher.start", *self.arguments],
                cwd=BASE, env=self.env, stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip
        before = self.said().count("ready http")
        process = self.process
        eventually(
            lambda: self.said().count("ready http") > before or process.poll() is not None, self.said(), seconds=200
        )
        assert process.poll() is None, self.said()

    def said(self) -> str:
        return self.output.read_text()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(timeout=120)

    def manage(self, *arguments: str, timeout: float = 200, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=BASE, env={**self.env, **env}, capture_output=True, text=True, timeout=timeout,
        )  # fmt: skip

    def selfcheck(self) -> subprocess.CompletedProcess[str]:
        """With more patience than a person has: a machine that runs tests may be busy with others."""
        return self.manage("selfcheck", "--model", "fake", "--patience", "120", timeout=280)

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5) as answer:
                return bool(json.load(answer)["ready"])
        except (OSError, urllib.error.HTTPError):
            return False

    def processes(self) -> dict[str, int]:
        """Pids of everything that runs for this var folder, by a short name."""
        children = json.loads((self.var / "run" / "children.json").read_text())
        names = {}
        for pid in map(int, children):
            command = processes.command_of(pid)
            for word, name in (("uvicorn", "web"), (" worker ", "worker"), (" beat ", "beat"), (" sampler", "sampler")):
                if word in command:
                    names[name] = pid
        for name, file in (("postgresql", "postgresql/postmaster.pid"), ("valkey", "run/valkey.pid")):
            names[name] = int((self.var / file).read_text().split()[0])
            parent = Path(f"/proc/{names[name]}/stat").read_text().rpartition(")")[2].split()[1]
            names[f"supervisor of {name}"] = int(parent)
        return names

    def left_behind(self) -> list[str]:
        """Command lines of processes that still have to do with this var folder or its port."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            pid = int(folder.name)
            try:
                environment = (folder / "environ").read_bytes()
            except OSError:
                continue
            if pid != os.getpid() and f"DUOLOGUE_VAR={self.var}\0".encode() in environment and processes.alive(pid):
                found.append(f"{pid} {processes.command_of(pid)}")
        return found
