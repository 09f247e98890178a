"""Operating-system processes: dying with a parent, asking after a pid, locks on files.

Standard library only, no Django: `bin/start` and the supervisors of PostgreSQL and Valkey live on it.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent(signum: int = signal.SIGTERM) -> Callable[[], None] | None:
    """A `preexec_fn` by which the child gets `signum` when its parent dies, however the parent dies.

    Linux only (elsewhere None). The kernel ties it to the thread that forks: spawn from the main thread.
    """
    if _libc is None:
        return None
    parent, libc = os.getpid(), _libc

    def prepare() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(signum), 0, 0, 0)
        if os.getppid() != parent:  # the parent died before the call above
            os._exit(1)

    return prepare


def keep_private() -> None:
    """What this process and its children make from now on is for its owner's eyes only."""
    os.umask(0o077)


def private(path: str, flags: int) -> int:
    """An `opener` for `open`: the file is its owner's alone from the first moment, whatever the umask."""
    return os.open(path, flags, 0o600)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (OSError, IndexError):
        return False


def command_of(pid: int) -> str:
    """The command line of a process, or an empty string where there is none to be seen."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        pass
    try:
        answer = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return answer.stdout.strip()


def end(pid: int, *, signum: int = signal.SIGTERM, grace: float = 15.0) -> None:
    """Ask a process that is not our child to end, wait, and kill it when it does not."""
    for number, wait in ((signum, grace), (signal.SIGKILL, 5.0)):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        until = time.monotonic() + wait
        while time.monotonic() < until:
            if not alive(pid):
                return
            time.sleep(0.05)


def lock(path: Path, *, shared: bool = False, timeout: float | None = 0.0) -> IO[str] | None:
    """Take a lock on the file `path` and return the open file, or None when it is not to be had in time.

    The kernel gives the lock back when the file is closed or the process dies. `timeout=None` waits for ever.
    """
    file = os.fdopen(private(str(path), os.O_RDWR | os.O_CREAT | os.O_APPEND), "a+")
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    until = None if timeout is None else time.monotonic() + timeout
    while True:
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
            return file
        except OSError:
            if until is not None and time.monotonic() >= until:
                file.close()
                return None
        time.sleep(0.05)


def is_locked(path: Path) -> bool:
    """Whether another process holds an exclusive lock on `path`. One who looks is not taken for a holder."""
    if not path.exists():
        return False
    file = lock(path, shared=True)
    if file is None:
        return True
    file.close()
    return False


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock on `path`, waiting for it as long as it takes."""
    file = lock(path, timeout=None)
    assert file is not None
    with file:
        yield


def roll(path: Path, *, keep: int = 5 * 1024 * 1024) -> None:
    """Before a log is appended to: when it has grown past `keep` bytes, put it aside as `.1`."""
    with contextlib.suppress(OSError):
        if path.stat().st_size > keep:
            path.replace(path.with_name(path.name + ".1"))


def cut(path: Path, *, limit: int) -> None:
    """For a log that is being appended to: when it has grown past `limit` bytes, copy it aside and empty it."""
    with contextlib.suppress(OSError):
        if path.stat().st_size > limit:
            shutil.copyfile(path, path.with_name(path.name + ".1"))
            os.truncate(path, 0)
