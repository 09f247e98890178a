"""Where the embedded servers live: names, folders and sockets of a var folder. Starts nothing."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

POSTGRESQL, VALKEY = "postgresql", "valkey"
BOTH = (POSTGRESQL, VALKEY)
TITLES = {POSTGRESQL: "PostgreSQL", VALKEY: "Valkey"}
LONGEST_SOCKET_PATH = 103  # bytes; Linux takes 107, macOS 103
START_TIMEOUT = 90.0


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


def make_folders(var_dir: Path) -> None:
    """The folders of `var_dir` and of its sockets, private to us: nobody else passes into them.

    Raises:
        ServiceError: one of them cannot be made, written, or is not ours.
    """
    try:
        for folder in (var_dir, var_dir / "run", var_dir / "log"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _close(var_dir)
        probe = var_dir / "run" / f".probe.{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise ServiceError(f"The var folder {str(var_dir)!r} cannot be written: {error.strerror}.") from None
    sockets = socket_dir(var_dir)
    if sockets == var_dir / "run":
        return
    try:
        sockets.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise ServiceError(f"The folder {str(sockets)!r} for sockets cannot be made: {error.strerror}.") from None
    if sockets.is_symlink() or sockets.stat().st_uid != os.getuid():
        raise ServiceError(f"The folder {str(sockets)!r} for sockets belongs to somebody else.")
    sockets.chmod(0o700)


def _close(var_dir: Path) -> None:
    """Close a var folder of a release that left it open to look into: itself, and then what is in it, once."""
    others = stat.S_IRWXG | stat.S_IRWXO
    if not var_dir.stat().st_mode & others:
        return
    var_dir.chmod(0o700)
    for path in var_dir.rglob("*"):
        mode = path.lstat().st_mode
        if not stat.S_ISLNK(mode) and mode & others:
            path.chmod(stat.S_IMODE(mode) & ~others)
