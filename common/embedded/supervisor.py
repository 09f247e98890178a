"""The process that supervises one server of a var folder: `python -m common.embedded.supervisor NAME VAR`.

It lives as long as anybody holds the server (a shared lock on `run/NAME.users`), restarts a server that
dies, and stops it cleanly when the last holder is gone. Started by `common/embedded/holding.py`, never by hand.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

from common import disk, processes
from common.embedded import servers
from common.embedded.folders import POSTGRESQL, START_TIMEOUT, ServiceError

POLL = 0.2
LOOK = 30.0  # seconds between looks at the disk
RESTARTS, WITHIN = 5, 60.0  # a server that dies more often than this is given up


class Supervisor:
    def __init__(self, name: str, var_dir: Path) -> None:
        self.name = name
        self.run = var_dir / "run"
        self.server = servers.make(name, var_dir)
        self.child: subprocess.Popen[bytes] | None = None
        self.told_to_stop = False
        self.deaths: list[float] = []
        self.reserve = disk.Reserve(self.run / f"{name}.reserve") if name == POSTGRESQL else None
        self.looked_at = 0.0

    def start(self) -> None:
        """Start the server and return when it answers.

        Raises:
            ServiceError: it ended, or does not answer in time.
        """
        self.child = self.server.spawn()
        until = time.monotonic() + START_TIMEOUT
        while not self.server.answers():
            if self.child.poll() is not None:
                raise ServiceError(f"{self.server.title} could not be started: {self.server.last_words()}")
            if time.monotonic() > until:
                self.stop()
                raise ServiceError(f"{self.server.title} does not answer after {START_TIMEOUT:.0f} s.")
            time.sleep(0.02)

    def stop(self) -> None:
        if self.child is None or self.child.poll() is not None:
            return
        self.child.send_signal(self.server.stop_signal)
        try:
            self.child.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.say("did not stop when asked, killed")
            self.child.kill()
            self.child.wait()

    def watch(self) -> None:
        """Until told to stop or nobody holds the server any more."""
        while not self.told_to_stop:
            free = processes.lock(self.run / f"{self.name}.users")
            if free is not None:
                with free:  # held while the server stops: a newcomer waits for it and then starts afresh
                    self.stop()
                return
            assert self.child is not None
            if self.child.poll() is not None:
                self.restart()
            if self.reserve and time.monotonic() - self.looked_at > LOOK:
                self.looked_at = time.monotonic()
                self.reserve.keep()
            time.sleep(POLL)

    def restart(self) -> None:
        assert self.child is not None
        self.say(f"ended with {self.child.returncode}; starting it again")
        while True:
            now = time.monotonic()
            self.deaths = [at for at in self.deaths if now - at < WITHIN] + [now]
            if len(self.deaths) > RESTARTS and not disk.is_full(self.run):
                raise ServiceError(f"{self.server.title} keeps ending: {self.server.last_words()}")
            if self.reserve and disk.is_full(self.run) and self.reserve.give_up():
                self.say("the disk is full: what was kept in reserve is given up")
            time.sleep(min(0.2 * 2 ** len(self.deaths), 5.0))
            try:
                self.server.clear_leftovers()
                self.start()
                return
            except ServiceError as error:
                self.say(str(error))

    def say(self, text: str) -> None:
        with contextlib.suppress(OSError):  # on a full disk, what there is to say goes unheard
            print(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {self.name}: {text}", file=sys.stderr, flush=True)


def answer(line: str) -> None:
    """The one line that whoever started us waits for; afterwards nobody reads, so stdout is closed."""
    try:
        print(line, flush=True)
    except BrokenPipeError:
        pass
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)


def main(name: str, var_dir: Path) -> int:
    processes.keep_private()
    supervisor = Supervisor(name, var_dir)
    lock = processes.lock(supervisor.run / f"{name}.supervisor", timeout=0.2)
    if lock is None:
        answer("taken")
        return 0

    def on_signal(signum: int, frame: FrameType | None) -> None:
        supervisor.told_to_stop = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    error_file = supervisor.run / f"{name}.error"
    with contextlib.suppress(OSError):
        error_file.unlink(missing_ok=True)
    try:
        supervisor.server.prepare()
        supervisor.server.clear_leftovers()
        supervisor.start()
        answer("ready")
        supervisor.watch()
    except ServiceError as error:
        supervisor.say(str(error))
        with contextlib.suppress(OSError):  # the disk may be full
            error_file.write_text(str(error))
        answer(str(error))
        return 1
    finally:
        supervisor.stop()
        lock.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
