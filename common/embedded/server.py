"""What PostgreSQL and Valkey have in common: started in the foreground, cleared up after, asked why they ended."""

from __future__ import annotations

import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

from common import processes


class RunAs(TypedDict, total=False):
    """Arguments of `subprocess` that choose the operating-system user."""

    user: int
    group: int
    extra_groups: list[int]


class Server(ABC):
    """One server of one var folder."""

    title: str
    program: str
    stop_signal: signal.Signals

    def __init__(self, var_dir: Path) -> None:
        self.var_dir = var_dir
        self.run = var_dir / "run"
        self.log = var_dir / "log" / f"{self.title.lower()}.log"

    @abstractmethod
    def prepare(self) -> None:
        """Make whatever the server needs before it can start; cheap when it is there already."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether it takes connections now."""

    @abstractmethod
    def pid_files(self) -> list[Path]:
        """Files in which it leaves its number; first thing in each."""

    def run_as(self) -> RunAs:
        """Whose process the server is: ours, unless it says otherwise."""
        return {}

    @abstractmethod
    def spawn(self) -> subprocess.Popen[bytes]:
        """Start it in the foreground."""

    def run_in_front(self, command: Sequence[str], *, pass_fds: Sequence[int] = ()) -> subprocess.Popen[bytes]:
        processes.roll(self.log)
        with open(self.log, "ab", opener=processes.private) as log:
            return subprocess.Popen(
                command,
                cwd=self.run,
                pass_fds=pass_fds,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=processes.die_with_parent(self.stop_signal),
                **self.run_as(),
            )

    def clear_leftovers(self) -> None:
        """End a server that outlived its supervisor, and remove pid files of one that is dead.

        A pid file whose number meanwhile belongs to some other process would stop PostgreSQL from starting.
        """
        for path in self.pid_files():
            try:
                pid = abs(int(path.read_text().split()[0]))
            except (OSError, ValueError, IndexError):
                pid = 0
            if pid and processes.alive(pid) and self.program in processes.command_of(pid):
                processes.end(pid, signum=self.stop_signal)
            path.unlink(missing_ok=True)

    def last_words(self) -> str:
        """The last line of the log that says what is wrong."""
        try:
            lines = self.log.read_text(errors="replace").splitlines()[-30:]
        except OSError:
            lines = []
        telling = [line for line in lines if "FATAL" in line or "# " in line or "rror" in line] or lines
        return f"{telling[-1].strip() if telling else 'it said nothing'} (see {self.log})."
