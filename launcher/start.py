"""Second stage of `bin/start`, inside `.venv`: prepare, start, say `ready`, watch, end.

Every error that an operator can mend is a `StartError`: one sentence, exit status 1, nothing left behind.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import IO, TypeVar

from common import embedded, environment, processes
from launcher import model, options
from launcher.options import BASE, StartError
from launcher.supervisor import Child, Supervisor

READY_TIMEOUT = 600.0
STOP_GRACE = 30.0
T = TypeVar("T")
GRACE = {"SAMPLER_GRACE": os.environ.get("SAMPLER_GRACE", "3")}  # somebody pressed Ctrl-C and waits
# Long tasks run one at a time each (common/advisory_lock.py): export, insights, screening, webhooks. One process stays
# free.
WORKER_PROCESSES = "5"
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class Start:
    def __init__(self, arguments: Sequence[str]) -> None:
        self.options = options.start_parser().parse_args(arguments)
        self.port = options.port()
        self.var = options.var_dir()
        self.url = f"http://127.0.0.1:{self.port}"
        self.stops = 0  # how often we were told to stop: the second time we do not wait
        self.began = time.monotonic()
        self.supervisor = Supervisor(self._children(), run_dir=self.var / "run", say=self.say)

    def say(self, text: str) -> None:
        print(f"  {text}", flush=True)

    def run(self) -> None:
        """Until told to stop.

        Raises:
            StartError, embedded.ServiceError, environment.SettingError: it cannot go on.
        """
        environment.read(BASE)
        print(f"Duologue; its data is in {self.var}", flush=True)
        embedded.make_folders(self.var)
        with self._alone():
            self._require_port()
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
            if self._was_prepared():  # nothing to migrate: what takes longest begins at once
                self.supervisor.start(["sampler"])
            told = self._prepare()
            if self.stops:
                return
            self.supervisor.start([name for name in names if name != "beat"])
            self.step("web and workers", lambda: self._await_ready(held))
            self.supervisor.start(["beat"])
            if not self.stops:
                print(f"ready {self.url}", flush=True)
                print(told, end="", flush=True)
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
    def _alone(self) -> Iterator[None]:
        lock = processes.lock(self.var / "run" / "start.lock", timeout=0.5)
        if lock is None:
            raise StartError(f"bin/start runs already for the var folder {str(self.var)!r}.")
        with lock:
            yield

    def _require_port(self) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", self.port))
            except OSError as error:
                if error.errno == errno.EACCES:
                    raise StartError(
                        f"Port {self.port} needs more rights: set DUOLOGUE_PORT to a higher one."
                    ) from None
                raise StartError(f"Port {self.port} is in use: end what uses it, or set DUOLOGUE_PORT.") from None

    def _prepare(self) -> str:
        """Database, static files and demo on one side, the model's weights on the other; what to tell once ready."""
        errors: list[StartError] = []

        def weights() -> None:
            try:
                model.ensure(self.var)
            except StartError as error:
                errors.append(error)

        # A daemon: told to stop, we do not wait for it, and the process that unpacks dies with us.
        checking = threading.Thread(target=weights, daemon=True)
        if not self.options.no_demo and not self.options.no_sampler:
            if not model.is_unpacked(self.var):
                self.say("unpacking the model, once; this takes half a minute")
            checking.start()
        told = self.step("database, pages, demo", lambda: self._manage_prepare(errors))
        while checking.is_alive() and not self.stops:
            checking.join(0.1)
        if errors and not self.stops:
            raise errors[0]
        if not self.stops:
            (self.var / "run" / "prepared").write_text(self._state())
        return told

    def _was_prepared(self) -> bool:
        """Whether the last start prepared this very state: same folder, options and migrations."""
        try:
            return (self.var / "run" / "prepared").read_text() == self._state()
        except OSError:
            return False

    def _state(self) -> str:
        migrations = sorted(str(path.relative_to(BASE)) for path in BASE.glob("*/migrations/[0-9]*.py"))
        facts = [str(self.var), os.environ.get("DATABASE_URL", ""), vars(self.options), migrations]
        return hashlib.sha256(repr(facts).encode()).hexdigest()

    def _manage_prepare(self, errors: Sequence[StartError]) -> str:
        """Run `manage.py prepare`; what it says is for people. Given up as soon as there is an error elsewhere."""
        command = [sys.executable, "manage.py", "prepare"]
        if not self.options.no_demo:
            command += ["--demo", "--model", str(model.folder(self.var))]
        log = self.var / "log" / "prepare.log"
        # Passwords are in what it says, so that goes into no file that has a name.
        with tempfile.TemporaryFile("w+") as told, log.open("w+") as wrong:
            process = subprocess.Popen(command, cwd=BASE, stdout=told, stderr=wrong, start_new_session=True)
            while process.poll() is None:
                if errors or self.stops:
                    process.terminate()
                    process.wait()
                    return ""
                time.sleep(0.02)
            told.seek(0)
            wrong.seek(0)
            if process.returncode:
                raise StartError((wrong.read().strip().splitlines() or ["Preparing ended without a reason."])[-1])
            return told.read()

    def _children(self) -> list[Child]:
        python, log = sys.executable, self.var / "log"
        celery = [python, "-m", "celery", "-A", "config"]
        quiet = ["--without-gossip", "--without-mingle"]
        level = os.environ.get("DUOLOGUE_LOG_LEVEL", "INFO").upper()
        children = [
            Child(
                "web server",
                [
                    *[python, "-m", "uvicorn", "config.asgi:application", "--host", "127.0.0.1"],
                    *["--port", str(self.port), "--no-access-log", "--lifespan", "off"],
                    *["--timeout-graceful-shutdown", "5", "--log-level", level.lower()],
                ],
                log / "web.log",
                ONE_THREAD,
            ),
            Child(
                "default worker",
                [*celery, "worker", "-Q", "default", "-c", WORKER_PROCESSES, "-l", level, *quiet, "-n", "default@%h"],
                log / "worker.log",
                ONE_THREAD,
            ),
            Child(
                "beat",
                [*celery, "beat", "-l", level, "--pidfile=", "-s", str(self.var / "run" / "beat-schedule")],
                log / "beat.log",
                ONE_THREAD,
            ),
        ]
        if not self.options.no_sampler:
            which = [] if self.options.no_demo else ["--model", model.SLUG]
            sampler = Child("sampler", [python, "manage.py", "sampler", *which], log / "sampler.log", GRACE)
            children.insert(0, sampler)
        return children

    def _await_ready(self, held: dict[str, IO[str]]) -> None:
        waiting = told = ""
        until = time.monotonic() + READY_TIMEOUT
        told_at = time.monotonic()
        while not self.stops:
            self._tend(held)
            ready, waiting, hopeless = self._ask_ready()
            if ready:
                return
            if hopeless:
                raise StartError(hopeless)
            if time.monotonic() > until:
                raise StartError(f"Not ready after {READY_TIMEOUT:.0f} s: {waiting} (see {self.var / 'log'}).")
            if time.monotonic() - told_at > (30 if waiting == told else 10):
                told_at, told = time.monotonic(), waiting
                self.say(f"waiting: {waiting}")
            time.sleep(0.3)

    def _ask_ready(self) -> tuple[bool, str, str]:
        """Whether all is ready, what is not, and why it never will be."""
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:
                body = json.load(answer)
        except urllib.error.HTTPError as error:
            try:
                body = json.load(error)
            except ValueError:
                return False, f"the web server answers {error.code}", ""
        except (OSError, ValueError):
            return False, "the web server does not answer yet", ""
        checks = body.get("checks", {})
        if self.options.no_sampler:  # it runs elsewhere, now or later
            checks.pop("sampler", None)
        bad = {name: check["detail"] for name, check in checks.items() if not check["ok"]}
        failed = checks.get("sampler", {}).get("failed", "")
        return not bad, "; ".join(f"{name}: {detail}" for name, detail in bad.items()), failed

    def _tend(self, held: dict[str, IO[str]]) -> None:
        self.supervisor.tend()
        for name in held:
            if said := embedded.trouble(self.var, name):
                if self.stops:
                    return
                self.say(f"{said} Starting it again.")
                embedded.revive(self.var, name)


def main(arguments: Sequence[str]) -> int:
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
    print("stopped; everything is kept", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
