"""The supervisor, on toy children: restarted, given up with a sentence, ended with all that they started."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from common import processes
from launcher import watching
from launcher.options import StartError
from launcher.supervisor import Child, Supervisor

SLEEP = "import time; time.sleep(600)"
UP = "import time; print('up', flush=True); time.sleep(600)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
)
PARENT = (
    "import subprocess, sys, time; p = subprocess.Popen(['sleep', '600']); print(p.pid, flush=True); time.sleep(600)"
)


class Watched:
    def __init__(self, folder: Path, *codes: str) -> None:
        self.said: list[str] = []
        self.folder = folder
        self.children = [
            Child(f"toy {at}", [sys.executable, "-c", code], folder / f"{at}.log") for at, code in enumerate(codes)
        ]
        self.supervisor = Supervisor(self.children, run_dir=folder, say=self.said.append)
        self.supervisor.start([child.name for child in self.children])

    def until(self, true: Callable[[], object], seconds: float = 60.0) -> None:
        until = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < until, self.said
            self.supervisor.tend()
            time.sleep(0.02)

    def stop(self, grace: float = 5.0) -> None:
        self.supervisor.stop(grace=grace, hurry=lambda: False)


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Callable[..., Watched]]:
    made: list[Watched] = []

    def make(*codes: str) -> Watched:
        made.append(Watched(tmp_path, *codes))
        return made[-1]

    yield make
    for one in made:
        one.stop(grace=0)


def pid_of(child: Child) -> int:
    assert child.process is not None
    return child.process.pid


def test_a_killed_child_is_started_again_and_the_others_are_left_alone(watch: Callable[..., Watched]) -> None:
    toys = watch(SLEEP, SLEEP)
    first, second = map(pid_of, toys.children)
    os.kill(first, signal.SIGKILL)
    toys.until(lambda: pid_of(toys.children[0]) != first)
    assert pid_of(toys.children[1]) == second
    assert toys.said == ["the toy 0 ended (killed by SIGKILL); starting it again in 0.5 s"]


def test_a_child_that_keeps_ending_is_named_with_its_last_words(
    watch: Callable[..., Watched], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("launcher.supervisor.RESTARTS", 2)
    toys = watch("print('cannot find my hat'); raise SystemExit(3)")
    with pytest.raises(StartError, match=r"The toy 0 keeps ending \(exit status 3\): cannot find my hat"):
        toys.until(lambda: False)


def test_stopping_ends_children_and_what_they_started(watch: Callable[..., Watched], tmp_path: Path) -> None:
    toys = watch(PARENT)
    toys.until(lambda: (tmp_path / "0.log").read_text().endswith("\n"))
    grandchild = int((tmp_path / "0.log").read_text())
    toys.stop()
    toys.until(lambda: not processes.alive(grandchild))
    assert not toys.supervisor.living()
    assert not (tmp_path / "children.json").exists()


def test_a_child_that_ignores_the_request_is_killed_after_the_grace(
    watch: Callable[..., Watched], tmp_path: Path
) -> None:
    toys = watch(STUBBORN)
    toys.until(lambda: (tmp_path / "0.log").read_text())
    toys.stop(grace=0.2)
    assert toys.said == ["the toy 0 does not end when asked: killed"]
    assert not toys.supervisor.living()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the next start ends them")
def test_children_end_when_their_supervisor_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom launcher.supervisor import Child, Supervisor\n"
        f"child = Child('toy', [sys.executable, '-c', {SLEEP!r}], Path(sys.argv[1]) / 'toy.log')\n"
        "Supervisor([child], run_dir=Path(sys.argv[1]), say=print).start(['toy'])\n"
        "print(child.process.pid, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    until = time.monotonic() + 60
    while processes.alive(pid):
        assert time.monotonic() < until
        time.sleep(0.02)


def test_leftovers_of_a_killed_start_are_ended_and_strangers_are_not(watch: Callable[..., Watched]) -> None:
    toys = watch()
    with (
        subprocess.Popen([sys.executable, "-c", UP, "--ours"], stdout=subprocess.PIPE) as ours,
        subprocess.Popen([sys.executable, "-c", UP], stdout=subprocess.PIPE) as stranger,
    ):
        for child in (ours, stranger):  # up, and so known by its own command line
            assert child.stdout is not None
            assert child.stdout.readline() == b"up\n"
        toys.supervisor.record.write_text(json.dumps({str(ours.pid): "--ours", str(stranger.pid): "--ours"}))
        toys.supervisor.end_leftovers()
        assert ours.wait(timeout=60) == -signal.SIGTERM
        assert stranger.poll() is None
        stranger.kill()


def test_a_log_that_grew_too_long_is_cut(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    with log.open("a") as file:
        file.write("x" * 1000)
        file.flush()
        processes.cut(log, limit=100)
        file.write("after")
    assert log.read_text() == "after"
    assert (tmp_path / "a.log.1").read_text() == "x" * 1000


def test_a_child_that_runs_and_no_longer_answers_is_replaced(
    watch: Callable[..., Watched], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "EVERY", 0.02)
    watched = watch(STUBBORN)
    (child,) = watched.children
    answers = True
    child.watch = watching.Watch(lambda: answers, patience=0.3)
    child.watch.begin()
    watched.until(lambda: child.watch is not None and child.watch.last_yes)
    assert child.process is not None
    before = child.process.pid
    os.kill(before, signal.SIGSTOP)
    answers = False
    watched.until(lambda: child.process is not None and child.process.pid != before)
    assert any("runs and has not answered for" in line for line in watched.said)


def test_a_child_that_has_not_answered_yet_is_given_its_time() -> None:
    slow = watching.Watch(lambda: False, patience=0.0)
    assert not slow.is_hung()


def test_a_child_waits_where_it_cannot_run_through_no_fault_of_its_own(
    watch: Callable[..., Watched], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("launcher.supervisor.WAIT", 0.05)
    toys = watch("raise SystemExit(1)")
    toys.supervisor.hindrance = lambda: "the disk is full" if len(toys.said) < 8 else ""
    with pytest.raises(StartError, match="keeps ending"):
        toys.until(lambda: False, seconds=60)
    assert toys.said[:8] == ["the toy 0 ended (exit status 1) and waits: the disk is full"] * 8
