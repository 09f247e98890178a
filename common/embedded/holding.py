"""Holding the servers of a var folder: started with the first holder, stopped after the last.

What is started here is the process of `common/embedded/supervisor.py`, one for each server.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import IO

from common import processes
from common.embedded import servers
from common.embedded.folders import (
    BOTH,
    POSTGRESQL,
    START_TIMEOUT,
    TITLES,
    VALKEY,
    ServiceError,
    Services,
    discover,
    make_folders,
)

BASE = Path(__file__).resolve().parents[2]
_started: list[tuple[subprocess.Popen[str], Path]] = []  # those that we started: they may outlive us; and their locks


def needed() -> list[str]:
    """The services that the environment does not point elsewhere."""
    elsewhere = {POSTGRESQL: os.environ.get("DATABASE_URL"), VALKEY: os.environ.get("REDIS_URL")}
    return [name for name in BOTH if not elsewhere[name]]


@contextlib.contextmanager
def running(var_dir: Path, names: Collection[str] = BOTH) -> Iterator[Services]:
    """Hold the services of `var_dir` for the length of a block; started when nobody holds them yet.

    Raises:
        ServiceError: the folder cannot be written or a server does not start.
    """
    held = hold(var_dir, names)
    try:
        yield discover(var_dir)
    finally:
        release(var_dir, held)


def hold(var_dir: Path, names: Collection[str] = BOTH) -> dict[str, IO[str]]:
    """What `running` does on entry; give the result to `release`."""
    make_folders(var_dir)
    held: dict[str, IO[str]] = {}
    for name in names:
        # A supervisor that is just stopping its server holds this lock until it is done.
        file = processes.lock(var_dir / "run" / f"{name}.users", shared=True, timeout=START_TIMEOUT)
        if file is None:
            raise ServiceError(f"{TITLES[name]} of {str(var_dir)!r} is stopping and does not come to an end.")
        held[name] = file
    try:
        started = [(name, _start_supervisor(var_dir, name)) for name in held]
        for name, supervisor in started:
            _await_ready(var_dir, name, supervisor)
    except BaseException:
        for file in held.values():
            file.close()
        raise
    return held


def release(var_dir: Path, held: dict[str, IO[str]], *, timeout: float = 20.0) -> None:
    """Let go, and wait until the servers have stopped unless others still hold them."""
    for file in held.values():
        file.close()
    until = time.monotonic() + timeout
    for name in held:
        while time.monotonic() < until and processes.is_locked(var_dir / "run" / f"{name}.supervisor"):
            if _others_hold(var_dir, name):
                break
            time.sleep(0.05)
    _reap(until)


def _reap(until: float) -> None:
    """Wait for supervisors that we started and that have let their lock go; one that others hold goes on."""
    for supervisor, lock in list(_started):
        if not processes.is_locked(lock):
            with contextlib.suppress(subprocess.TimeoutExpired):
                supervisor.wait(max(0.0, until - time.monotonic()))
    _started[:] = [(supervisor, lock) for supervisor, lock in _started if supervisor.poll() is None]


def trouble(var_dir: Path, name: str) -> str:
    """What is wrong with a service that we hold, as a sentence; empty when its supervisor lives."""
    if processes.is_locked(var_dir / "run" / f"{name}.supervisor"):
        return ""
    try:
        return (var_dir / "run" / f"{name}.error").read_text().strip() or f"{TITLES[name]} has ended."
    except OSError:
        return f"The supervisor of {TITLES[name]} has ended."


def revive(var_dir: Path, name: str) -> None:
    """Start the supervisor of a service that we hold again."""
    _await_ready(var_dir, name, _start_supervisor(var_dir, name))


def _others_hold(var_dir: Path, name: str) -> bool:
    """Whether a holder is there. The supervisor itself takes the exclusive lock when it stops: a shared one
    that is refused means that it is stopping."""
    file = processes.lock(var_dir / "run" / f"{name}.users", shared=True)
    if file is None:
        return False
    file.close()
    file = processes.lock(var_dir / "run" / f"{name}.users")
    if file is None:
        return True
    file.close()
    return False


def _start_supervisor(var_dir: Path, name: str) -> subprocess.Popen[str] | None:
    """Start a supervisor unless one lives. It leads its own session, so that Ctrl-C in a terminal reaches only us."""
    if processes.is_locked(var_dir / "run" / f"{name}.supervisor"):
        return None
    log = var_dir / "log" / "services.log"
    processes.roll(log)
    _started[:] = [(supervisor, lock) for supervisor, lock in _started if supervisor.poll() is None]
    with open(log, "a", opener=processes.private) as stderr:
        supervisor = subprocess.Popen(
            [sys.executable, "-P", "-m", "common.embedded.supervisor", name, str(var_dir)],
            cwd=BASE,
            env={**os.environ, "PYTHONPATH": str(BASE)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            start_new_session=True,
        )
    _started.append((supervisor, var_dir / "run" / f"{name}.supervisor"))
    return supervisor


def _await_ready(var_dir: Path, name: str, supervisor: subprocess.Popen[str] | None) -> None:
    """Wait until the server answers. A supervisor that others started may be one that is just ending, or may be killed:
    then the next one is ours to start."""
    server = servers.make(name, var_dir)
    until = time.monotonic() + START_TIMEOUT
    while True:
        if supervisor is not None and _first_word(var_dir, name, supervisor) == "ready":
            return
        while processes.is_locked(var_dir / "run" / f"{name}.supervisor"):
            if server.answers():
                return
            if time.monotonic() > until:
                raise ServiceError(f"{TITLES[name]} of {str(var_dir)!r} does not answer.")
            time.sleep(0.05)
        if time.monotonic() > until or (var_dir / "run" / f"{name}.error").exists():
            raise ServiceError(trouble(var_dir, name))
        supervisor = _start_supervisor(var_dir, name)


def _first_word(var_dir: Path, name: str, supervisor: subprocess.Popen[str]) -> str:
    """`ready`, or `taken`: another process was a moment faster, and its supervisor does the work."""
    assert supervisor.stdout is not None
    with supervisor.stdout:
        said = supervisor.stdout.readline().strip()
    if said not in ("ready", "taken"):
        supervisor.wait()
        raise ServiceError(said or f"{TITLES[name]} could not be started; see {var_dir / 'log' / 'services.log'}.")
    return said
