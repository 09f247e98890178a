"""PostgreSQL and Valkey for one machine, from PyPI wheels, on private sockets under the var folder.

Whoever needs them holds them (`running`): the first holder starts a keeper process for each server, later ones
share it, and when the last holder is gone, killed ones included, the keeper stops its server and ends.
The keeper is in `common/keeper.py`, what it runs in `common/servers.py`. No TCP port is ever opened.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote

from common import processes

POSTGRESQL, VALKEY = "postgresql", "valkey"
BOTH = (POSTGRESQL, VALKEY)
LONGEST_SOCKET_PATH = 103  # bytes; Linux takes 107, macOS 103
START_TIMEOUT = 90.0
_keepers: list[subprocess.Popen[str]] = []  # those that we started: they may outlive us, and are reaped if not


class ServiceError(Exception):
    """A service that cannot be had; the message is one sentence for the operator."""


@dataclass(frozen=True)
class Services:
    database_url: str
    redis_url: str


def discover(var_dir: Path) -> Services:
    """URLs of the services that belong to `var_dir`, whether or not they run now. Opens nothing."""
    sockets = socket_dir(var_dir)
    return Services(
        database_url=f"postgresql://postgres@/duologue?host={quote(str(sockets / 'pg'))}",
        redis_url=f"unix://{quote(str(sockets / 'valkey.sock'))}?db=0",
    )


def socket_dir(var_dir: Path) -> Path:
    """`var/run`, or a folder in /tmp where the path of a socket in it would be too long for the system, or
    holds a comma, at which PostgreSQL's clients split a list of hosts."""
    run = var_dir / "run"
    if len(os.fsencode(run / "pg" / ".s.PGSQL.5432")) <= LONGEST_SOCKET_PATH and "," not in str(run):
        return run
    name = hashlib.sha256(os.fsencode(var_dir)).hexdigest()[:16]
    return Path("/tmp") / f"duologue-{os.getuid()}-{name}"


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
        # A keeper that is just stopping its server holds this lock until it is done.
        file = processes.lock(var_dir / "run" / f"{name}.users", shared=True, timeout=START_TIMEOUT)
        if file is None:
            raise ServiceError(f"{_title(name)} of {str(var_dir)!r} is stopping and does not come to an end.")
        held[name] = file
    try:
        started = [(name, _start_keeper(var_dir, name)) for name in held]
        for name, keeper in started:
            _await_ready(var_dir, name, keeper)
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
        while time.monotonic() < until and processes.is_locked(var_dir / "run" / f"{name}.keeper"):
            if _others_hold(var_dir, name):
                break
            time.sleep(0.05)


def trouble(var_dir: Path, name: str) -> str:
    """What is wrong with a service that we hold, as a sentence; empty when its keeper lives."""
    if processes.is_locked(var_dir / "run" / f"{name}.keeper"):
        return ""
    try:
        return (var_dir / "run" / f"{name}.error").read_text().strip() or f"{_title(name)} has ended."
    except OSError:
        return f"The keeper of {_title(name)} has ended."


def revive(var_dir: Path, name: str) -> None:
    """Start the keeper of a service that we hold again."""
    _await_ready(var_dir, name, _start_keeper(var_dir, name))


def make_folders(var_dir: Path) -> None:
    """The folders of `var_dir` and of its sockets, private to us.

    Raises:
        ServiceError: one of them cannot be made, written, or is not ours.
    """
    try:
        for folder in (var_dir, var_dir / "run", var_dir / "log"):
            folder.mkdir(parents=True, exist_ok=True)
        probe = var_dir / "run" / f".probe.{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise ServiceError(f"The var folder {str(var_dir)!r} cannot be written: {error.strerror}.") from None
    sockets = socket_dir(var_dir)
    if sockets == var_dir / "run":
        return
    try:
        sockets.mkdir(mode=0o711 if os.getuid() == 0 else 0o700, exist_ok=True)
    except OSError as error:
        raise ServiceError(f"The folder {str(sockets)!r} for sockets cannot be made: {error.strerror}.") from None
    if sockets.is_symlink() or sockets.stat().st_uid != os.getuid():
        raise ServiceError(f"The folder {str(sockets)!r} for sockets belongs to somebody else.")


def _title(name: str) -> str:
    return {POSTGRESQL: "PostgreSQL", VALKEY: "Valkey"}[name]


def _others_hold(var_dir: Path, name: str) -> bool:
    """Whether a holder is there. The keeper itself takes the exclusive lock when it stops: a shared one
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


def _start_keeper(var_dir: Path, name: str) -> subprocess.Popen[str] | None:
    """Start a keeper unless one lives. It leads its own session, so that Ctrl-C in a terminal reaches only us."""
    if processes.is_locked(var_dir / "run" / f"{name}.keeper"):
        return None
    base = Path(__file__).resolve().parent.parent
    log = var_dir / "log" / "services.log"
    processes.roll(log)
    _keepers[:] = [keeper for keeper in _keepers if keeper.poll() is None]
    with log.open("a") as stderr:
        keeper = subprocess.Popen(
            [sys.executable, "-P", "-m", "common.keeper", name, str(var_dir)],
            cwd=base,
            env={**os.environ, "PYTHONPATH": str(base)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            start_new_session=True,
        )
    _keepers.append(keeper)
    return keeper


def _await_ready(var_dir: Path, name: str, keeper: subprocess.Popen[str] | None) -> None:
    if keeper is not None:
        assert keeper.stdout is not None
        with keeper.stdout:
            said = keeper.stdout.readline().strip()
        if said == "ready":
            return
        if said != "taken":  # another process was a moment faster, and its keeper does the work
            keeper.wait()
            raise ServiceError(said or f"{_title(name)} could not be started; see {var_dir / 'log' / 'services.log'}.")
    from common import servers

    server = servers.make(name, var_dir)
    until = time.monotonic() + START_TIMEOUT
    while not server.answers():
        if not processes.is_locked(var_dir / "run" / f"{name}.keeper"):
            raise ServiceError(trouble(var_dir, name))
        if time.monotonic() > until:
            raise ServiceError(f"{_title(name)} of {str(var_dir)!r} does not answer.")
        time.sleep(0.05)
