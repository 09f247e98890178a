"""Children of `bin/start`: started, watched, restarted with back-off, ended together.

Each child leads its own session, so that Ctrl-C in the terminal reaches only us and whatever the child
itself started can be ended with it. On Linux a child gets SIGTERM when we die, however we die; elsewhere
the next start ends what `run/children.json` lists.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from common import processes
from launcher.options import BASE, StartError
from launcher.watching import Signs, Watch

RESTARTS, WITHIN = 5, 120.0  # a child that ends more often than this is given up
WAIT = 5.0  # seconds before the next try where it cannot be the child's fault
LOG_LIMIT = 20 * 1024 * 1024


@dataclass
class Child:
    name: str
    command: Sequence[str]
    log: Path
    env: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    deaths: list[float] = field(default_factory=list)
    start_at: float = 0.0  # when it is to be started (again)
    watch: Watch | None = None  # for what runs and does not answer
    signs: Signs | None = None  # of its processes, where it has several
    own_folders: Sequence[Path] = ()  # empty whenever it is started

    def start(self) -> None:
        processes.roll(self.log)
        for folder in self.own_folders:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(mode=0o700, exist_ok=True)
        with open(self.log, "ab", opener=processes.private) as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=BASE,
                env={**os.environ, **self.env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=processes.die_with_parent(signal.SIGTERM),
            )
        for watcher in (self.watch, self.signs):
            if watcher is not None:
                watcher.begin()

    def signal(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def sweep(self) -> None:
        """End whatever the child left behind in its process group."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def last_words(self) -> str:
        with contextlib.suppress(OSError):
            lines = [line for line in self.log.read_text(errors="replace").splitlines()[-20:] if line.strip()]
            if lines:
                return lines[-1].strip()
        return "it said nothing"


class Supervisor:
    """`hindrance` says what keeps children from running through no fault of theirs, if there is such a thing."""

    def __init__(
        self,
        children: Sequence[Child],
        *,
        run_dir: Path,
        say: Callable[[str], None],
        hindrance: Callable[[], str] = lambda: "",
    ) -> None:
        self.hindrance = hindrance
        self.children = list(children)
        self.record = run_dir / "children.json"
        self.say = say
        self._logs_seen_at = time.monotonic()

    def end_leftovers(self) -> None:
        """End children of a start that was killed, where the system did not do so already."""
        try:
            known = json.loads(self.record.read_text())
        except (OSError, ValueError):
            return
        left = [int(pid) for pid, word in known.items() if word in processes.command_of(int(pid))]
        for pid in left:
            self.say(f"ending process {pid} of an earlier start")
            processes.end(pid, grace=10)
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
        self.record.unlink(missing_ok=True)

    def start(self, names: Collection[str]) -> None:
        """Start the children of these names; the others wait for another call."""
        for child in self.children:
            if child.name in names and child.process is None:
                child.start()
        self._write_record()

    def tend(self) -> None:
        """Look after every child once.

        Raises:
            StartError: one keeps ending; the sentence names it.
        """
        now = time.monotonic()
        for child in self.children:
            if child.process is None:
                continue
            if child.start_at:
                if now >= child.start_at:
                    self._start_again(child, now)
            elif child.process.poll() is not None:
                self._died(child, now)
            else:
                self._look(child, child.process)
        if now - self._logs_seen_at > 60:
            self._logs_seen_at = now
            for child in self.children:
                processes.cut(child.log, limit=LOG_LIMIT)

    def _look(self, child: Child, process: subprocess.Popen[bytes]) -> None:
        """Kill what hangs: it may be stopped, and then hears nothing else."""
        if child.watch is not None and child.watch.is_hung():
            self.say(f"the {child.name} runs and has not answered for {child.watch.patience:.0f} s: killed")
            child.signal(signal.SIGKILL)
            process.wait()
            return
        if child.signs is None:
            return
        for pid in child.signs.hung():  # the server starts another in its place
            said = f"process {pid} of the {child.name} runs and has shown no sign of life"
            self.say(f"{said} for {child.signs.patience:.0f} s: killed")
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _start_again(self, child: Child, now: float) -> None:
        child.start_at = 0.0
        try:
            child.start()
        except OSError as error:  # its log cannot be opened, or there is no process to be had
            self.say(f"the {child.name} cannot be started: {error.strerror}; trying again in {WAIT:.0f} s")
            child.start_at = now + WAIT
        self._write_record()

    def _died(self, child: Child, now: float) -> None:
        assert child.process is not None
        child.sweep()
        if why := self.hindrance():
            self.say(f"the {child.name} ended ({_how(child.process.returncode)}) and waits: {why}")
            child.start_at = now + WAIT
            return
        child.deaths = [at for at in child.deaths if now - at < WITHIN] + [now]
        how = _how(child.process.returncode)
        if len(child.deaths) > RESTARTS:
            raise StartError(f"The {child.name} keeps ending ({how}): {child.last_words()} (see {child.log}).")
        delay = min(0.5 * 2 ** (len(child.deaths) - 1), 8.0)
        self.say(f"the {child.name} ended ({how}); starting it again in {delay:.1f} s")
        child.start_at = now + delay

    def stop(self, *, grace: float, hurry: Callable[[], bool]) -> None:
        """Ask every child to end, wait, kill those that do not; `hurry` becoming true cuts the wait short."""
        for child in self.children:
            child.signal(signal.SIGTERM)
        until = time.monotonic() + grace
        while self.living() and time.monotonic() < until and not hurry():
            time.sleep(0.05)
        for child in self.living():
            self.say(f"the {child.name} does not end when asked: killed")
            child.signal(signal.SIGKILL)
        for child in self.children:
            if child.process is not None:
                child.process.wait()
                child.sweep()
        self.record.unlink(missing_ok=True)

    def living(self) -> list[Child]:
        return [child for child in self.children if child.process is not None and child.process.poll() is None]

    def _write_record(self) -> None:
        """Pid and a word of its command line, by which a later start knows that it is still the same process."""
        pids = {str(child.process.pid): child.command[-1] for child in self.children if child.process is not None}
        with contextlib.suppress(OSError):  # it is of use only after we were killed
            self.record.write_text(json.dumps(pids))


def _how(status: int) -> str:
    if status < 0:
        try:
            return f"killed by {signal.Signals(-status).name}"
        except ValueError:
            return f"killed by signal {-status}"
    return f"exit status {status}"
