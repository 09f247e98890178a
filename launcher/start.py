"""Second stage of `bin/start`, inside `.venv`: prepare, start, say `ready`, watch, end.

Every error that an operator can mend is a `StartError`: one sentence, exit status 1, nothing left behind.
"""

from __future__ import annotations

import contextlib
import errno
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import IO, TypeVar

from common import embedded, environment, processes, web_address
from launcher import options, readiness
from launcher.children import children
from launcher.disk_watch import DiskWatch
from launcher.options import BASE, StartError
from launcher.preparing import Preparation
from launcher.supervisor import WAIT, Supervisor

READY_TIMEOUT = 600.0
STOP_GRACE = 30.0
T = TypeVar("T")


class Start:
    def __init__(self, arguments: Sequence[str]) -> None:
        self.options = options.start_parser().parse_args(arguments)
        self.port = options.port()
        self.var = options.var_dir()
        self.host = web_address.loopback()
        self.url = web_address.url(self.host, self.port)
        self.stops = 0  # how often we were told to stop: the second time we do not wait
        self.began = time.monotonic()
        demo, sampler = not self.options.no_demo, not self.options.no_sampler
        self.preparation = Preparation(
            self.var, demo=demo, sampler=sampler, say=self.say, step=self.step, stopped=lambda: self.stops > 0
        )
        ours = children(self.var, self.host, self.port, demo=demo, sampler=sampler)
        self.disk = DiskWatch(self.var, self.say)
        self.supervisor = Supervisor(ours, run_dir=self.var / "run", say=self.say, hindrance=self.disk.hindrance)

    def say(self, text: str) -> None:
        with contextlib.suppress(OSError):  # the output may be a file on a full disk
            print(f"  {text}", flush=True)

    def run(self) -> None:
        """Until told to stop.

        Raises:
            StartError, embedded.ServiceError, environment.SettingError: it cannot go on.
        """
        self.disk.low = environment.read(BASE).disk_low
        print(f"Duologue; its data is in {self.var}", flush=True)
        embedded.make_folders(self.var)
        with self._only_start():
            self._require_port()
            web_address.write(self.var, self.url)
            self.supervisor.end_leftovers()
            names = embedded.needed()
            held = self.step("PostgreSQL and Valkey", lambda: embedded.hold(self.var, names)) if names else {}
            try:
                self._run_holding(held)
            finally:
                if held:
                    embedded.release(self.var, held)

    def _run_holding(self, held: dict[str, IO[str]]) -> None:
        names = [child.name for child in self.supervisor.children]
        try:
            if self.preparation.was_done():  # nothing to migrate: what takes longest begins at once
                self.supervisor.start(["sampler"])
            told = self.preparation.prepare()
            if self.stops:
                return
            self.supervisor.start([name for name in names if name not in ("default worker", "beat")])
            self.step("pages", lambda: self._await(held, lambda found: found.people))
            if self.stops:
                return
            print(f"pages {self.url}\n{told}", end="", flush=True)  # the model is still being loaded
            self.supervisor.start(["default worker"])
            self.step("workers and the model", lambda: self._await(held, lambda found: found.ready))
            self.supervisor.start(["beat"])
            if not self.stops:
                print(f"ready {self.url}", flush=True)
            while not self.stops:
                self._tend(held)
                time.sleep(0.2)
            print("stopping", flush=True)
        finally:
            self.supervisor.stop(grace=STOP_GRACE, hurry=lambda: self.stops > 1)

    def step(self, name: str, work: Callable[[], T]) -> T:
        began = time.monotonic()
        result = work()
        self.say(f"{name:<34}{time.monotonic() - began:5.1f} s")
        return result

    @contextlib.contextmanager
    def _only_start(self) -> Iterator[None]:
        lock = processes.lock(self.var / "run" / web_address.START_LOCK, timeout=0.5)
        if lock is None:
            raise StartError(f"bin/start runs already for the var folder {str(self.var)!r}.")
        with lock:
            try:
                yield
            finally:
                web_address.clear(self.var)

    def _require_port(self) -> None:
        with socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, self.port))
            except OSError as error:
                if error.errno == errno.EACCES:
                    raise StartError(
                        f"Port {self.port} needs more rights: set DUOLOGUE_PORT to a higher one."
                    ) from None
                raise StartError(f"Port {self.port} is in use: end what uses it, or set DUOLOGUE_PORT.") from None

    def _await(self, held: dict[str, IO[str]], enough: Callable[[readiness.Readiness], bool]) -> None:
        waiting = told = ""
        until = time.monotonic() + READY_TIMEOUT
        told_at = time.monotonic()
        while not self.stops:
            self._tend(held)
            found = readiness.ask(self.url, sampler=not self.options.no_sampler)
            waiting = found.waiting_for
            if enough(found):
                return
            if found.hopeless:
                raise StartError(found.hopeless)
            if time.monotonic() > until:
                raise StartError(f"Not ready after {READY_TIMEOUT:.0f} s: {waiting} (see {self.var / 'log'}).")
            if time.monotonic() - told_at > (30 if waiting == told else 10):
                told_at, told = time.monotonic(), waiting
                self.say(f"waiting: {waiting}")
            time.sleep(0.3)

    def _tend(self, held: dict[str, IO[str]]) -> None:
        self.supervisor.tend()
        self.disk.look()
        for name in held:
            if said := embedded.trouble(self.var, name):
                if self.stops:
                    return
                self._revive(name, said)

    def _revive(self, name: str, said: str) -> None:
        self.say(f"{said} Starting it again.")
        try:
            embedded.revive(self.var, name)
        except embedded.ServiceError:
            if not self.disk.hindrance():
                raise
            time.sleep(WAIT)  # it cannot start without room: what runs goes on, and it is tried again


def main(arguments: Sequence[str]) -> int:
    processes.keep_private()
    try:
        start = Start(arguments)

        def on_signal(signum: int, frame: FrameType | None) -> None:
            start.stops += 1

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, on_signal)
        start.run()
    except (StartError, embedded.ServiceError, environment.SettingError) as error:
        print(error, file=sys.stderr, flush=True)
        return 1
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
            raise
        print(f"The var folder {str(start.var)!r} cannot be written: {error.strerror}.", file=sys.stderr, flush=True)
        return 1
    print("stopped; everything is kept", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
