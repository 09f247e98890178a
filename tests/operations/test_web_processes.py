"""Several web processes, each watched by its own sign of life: an answer of one says nothing about another."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from common import processes
from launcher import children, watching
from launcher.supervisor import Child, Supervisor
from launcher.watching import Signs, Watch
from tests.operations.running import BASE, Running, eventually
from tests.workers import free_port

PATIENCE = 8.0  # more than a busy machine keeps a process waiting
SERVER = """
import os, time
from pathlib import Path
from common.serving import sign_of_life

sign_of_life.EVERY = 0.3

async def answer(scope, receive, send):
    await receive()
    if scope["path"] == "/hang":
        time.sleep(600)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(os.getpid()).encode()})

application = sign_of_life.SignOfLife(answer, Path(os.environ["SIGNS"]))
"""


def living(folder: Path) -> set[int]:
    return {int(file.name) for file in folder.iterdir() if processes.is_locked(file)}


class Served:
    """Two toy web processes as `bin/start` runs ours. uvicorn asks them too, but not their event loops, and later."""

    def __init__(self, folder: Path) -> None:
        (folder / "toy.py").write_text(SERVER)
        self.port, self.said = free_port(), list[str]()
        self.signs = Signs(folder / "signs", patience=PATIENCE)
        command = [sys.executable, "-m", "uvicorn", "toy:application", "--port", str(self.port), "--lifespan", "on"]
        more = ["--workers", "2", "--timeout-worker-healthcheck", "60", "--log-level", "error"]
        env = {"SIGNS": str(self.signs.folder), "PYTHONPATH": f"{BASE}:{folder}"}
        folders = [self.signs.folder]
        child = Child("web server", [*command, *more], folder / "web.log", env, signs=self.signs, own_folders=folders)
        self.supervisor = Supervisor([child], run_dir=folder, say=self.said.append)
        self.supervisor.start(["web server"])

    def living(self) -> set[int]:
        return living(self.signs.folder)

    def until_two(self, *, without: int = 0) -> set[int]:
        until = time.monotonic() + 60
        while len(found := self.living() - {without}) < 2:
            assert time.monotonic() < until, (found, self.said)
            self.supervisor.tend()
            time.sleep(0.05)
        return found

    def close(self) -> None:
        self.supervisor.stop(grace=0, hurry=lambda: True)


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setattr(watching, "LOOK_EVERY", 0.1)
    with closing(Served(tmp_path)) as made:
        yield made


def test_one_of_two_that_is_stopped_is_replaced_and_the_other_is_left_alone(served: Served) -> None:
    before = served.until_two()
    stopped = min(before)
    os.kill(stopped, signal.SIGSTOP)
    after = served.until_two(without=stopped)
    assert before - {stopped} < after
    assert not processes.alive(stopped)
    assert served.said == [
        f"process {stopped} of the web server runs and has shown no sign of life for {PATIENCE:.0f} s: killed"
    ]


def test_one_of_two_whose_event_loop_hangs_is_replaced(served: Served) -> None:
    before = served.until_two()
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{served.port}/hang", timeout=0.5, trust_env=False)
    gone: set[int] = set()
    until = time.monotonic() + 60
    while not gone:
        assert time.monotonic() < until
        served.supervisor.tend()
        gone = before - served.living()
        time.sleep(0.05)
    after = served.until_two()
    assert len(before & after) == 1


def test_a_process_that_is_gone_is_not_taken_for_one_that_hangs(tmp_path: Path) -> None:
    signs = Signs(tmp_path / "signs", patience=0.0, figures=tmp_path / "figures")
    for folder in ("signs", "figures"):
        (tmp_path / folder).mkdir()
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    (signs.folder / str(ended.pid)).touch()
    for name in (f"gauge_livesum_{ended.pid}.db", f"counter_{ended.pid}.db"):
        (tmp_path / "figures" / name).touch()
    assert signs.hung() == []
    assert not list(signs.folder.iterdir())
    assert [file.name for file in (tmp_path / "figures").iterdir()] == [f"counter_{ended.pid}.db"]


def test_any_of_several_tells_the_figures_of_all(tmp_path: Path) -> None:
    """A scraper meets one of them, and its figures must not jump from one to the next."""
    code = (
        "from common.serving import figures; figures.at_work.inc();"
        "figures.answered(method='GET', route='home', status=200, seconds=0.02); print(figures.text().decode())"
    )
    env = {**os.environ, children.SHARED: str(tmp_path), "PYTHONPATH": str(BASE)}
    for count in (1, 2):
        with subprocess.Popen([sys.executable, "-c", code], env=env, stdout=subprocess.PIPE, text=True) as process:
            said, _ = process.communicate()
        line = 'duologue_http_requests_total{method="GET",route="home",status="200"}'
        assert f"{line} {count:.1f}" in said
        assert f"duologue_http_requests_at_work {count:.1f}" in said


def test_a_watch_that_was_stopped_itself_does_not_take_that_for_another_s_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    watch, signs = Watch(lambda: True, patience=25.0), Signs(tmp_path, patience=25.0)
    watch.last_yes = watch.last_asked = now
    held = processes.lock(tmp_path / str(os.getpid()))
    assert held is not None
    with held:
        assert signs.hung() == []
        now += 600
        assert not watch.is_hung()
        assert signs.hung() == []
        for _ in range(30):
            now += 1.0
            found = signs.hung()
            if found:
                break
        assert found == [os.getpid()], "from then on it counts"


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_one_of_two_of_ours_that_is_stopped_is_replaced_within_a_minute(tmp_path: Path) -> None:
    running = Running(tmp_path / "var", "--no-demo", "--no-sampler", "--web-processes", "2")
    running.start()
    try:
        signs = running.var / "run" / "web"
        eventually(lambda: len(living(signs)) == 2, "two live")
        before = living(signs)
        stopped = min(before)
        os.kill(stopped, signal.SIGSTOP)
        eventually(lambda: len(living(signs) - {stopped}) == 2, "two again", 90)
        assert before - {stopped} < living(signs)
        assert not processes.alive(stopped)
        eventually(running.is_ready, "ready")
    finally:
        assert running.stop() == 0
