"""What has to be done before the services start: the database, static files, the demo, and the model's weights."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from launcher import model
from launcher.options import BASE, StartError


@dataclass(frozen=True)
class Preparation:
    """`step` runs a function and tells how long it took; `stopped` says whether somebody wants us to end."""

    var: Path
    demo: bool
    sampler: bool
    say: Callable[[str], None]
    step: Callable[[str, Callable[[], str]], str]
    stopped: Callable[[], bool]

    def prepare(self) -> str:
        """Database, static files and demo on one side, the model's weights on the other; what to tell once ready."""
        errors: list[StartError] = []

        def weights() -> None:
            try:
                model.ensure(self.var)
            except StartError as error:
                errors.append(error)

        # A daemon: told to stop, we do not wait for it, and the process that unpacks dies with us.
        checking = threading.Thread(target=weights, daemon=True)
        if self.demo and self.sampler:
            if not model.is_unpacked(self.var):
                self.say("unpacking the model, once; this takes half a minute")
            checking.start()
        told = self.step("database, pages, demo", lambda: self._manage_prepare(errors))
        while checking.is_alive() and not self.stopped():
            checking.join(0.1)
        if errors and not self.stopped():
            raise errors[0]
        if not self.stopped():
            (self.var / "run" / "prepared").write_text(self._state())
        return told

    def was_done(self) -> bool:
        """Whether the last start prepared this very state: same folder, options and migrations."""
        try:
            return (self.var / "run" / "prepared").read_text() == self._state()
        except OSError:
            return False

    def _state(self) -> str:
        migrations = sorted(str(path.relative_to(BASE)) for path in BASE.glob("*/migrations/[0-9]*.py"))
        parts = [str(self.var), os.environ.get("DATABASE_URL", ""), self.demo, self.sampler, migrations]
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    def _manage_prepare(self, errors: Sequence[StartError]) -> str:
        """Run `manage.py prepare`; what it says is for people. Given up as soon as there is an error elsewhere."""
        command = [sys.executable, "manage.py", "prepare"]
        if self.demo:
            command += ["--demo", "--model", str(model.folder(self.var))]
        log = self.var / "log" / "prepare.log"
        # Passwords are in what it says, so that goes into no file that has a name.
        with tempfile.TemporaryFile("w+") as told, log.open("w+") as wrong:
            process = subprocess.Popen(command, cwd=BASE, stdout=told, stderr=wrong, start_new_session=True)
            while process.poll() is None:
                if errors or self.stopped():
                    process.terminate()
                    process.wait()
                    return ""
                time.sleep(0.02)
            told.seek(0)
            wrong.seek(0)
            if process.returncode:
                raise StartError((wrong.read().strip().splitlines() or ["Preparing ended without a reason."])[-1])
            return told.read()
