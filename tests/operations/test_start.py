"""`bin/start` for real, with the fake engine: the loop through all services, faults, and a clean end."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator

import pytest

from common import processes
from tests.operations.running import Running, eventually
from tests.operations.test_modes import open_to_others

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
    pytest.mark.timeout(300),
]

EIGHT_REPLIES = """
import time
from labeling import chats, dialogues, projects
from sampler.models import ModelVersion
from tests import makers

project = makers.make_project("at-once", with_round=False)
alice = makers.make_member(project, "alice-at-once")
projects.open_round(project=project, policies=[(ModelVersion.objects.get(slug="fake"), 1.0, {})])
waits = []
for _ in range(8):
    dialogue = dialogues.start_dialogue(project=project, author=alice, kind="chat")
    request = chats.send_message(dialogue=dialogue, text="Hello?")
    until = time.time() + 20
    while not dialogue.turns.filter(role="assistant").exists() and time.time() < until:
        time.sleep(0.01)
    request.refresh_from_db()
    made = dialogue.turns.get(role="assistant").created_at
    waits.append((made - request.finished_at).total_seconds())
print("median", sorted(waits)[4])
"""


@pytest.fixture(scope="module")
def _duologue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = Running(tmp_path_factory.mktemp("a start") / "var folder", "--no-demo")
    try:
        yield running
    finally:
        if running.process is not None and running.process.poll() is None:
            running.stop()


@pytest.fixture
def duologue(_duologue: Running) -> Running:
    """It runs, also where the test before this one stopped it."""
    if _duologue.process is None or _duologue.process.poll() is not None:
        _duologue.start()
    return _duologue


def test_the_start_says_when_people_can_work_and_then_when_everything_answers(duologue: Running) -> None:
    said = duologue.said()
    assert 0 < said.index(f"pages http://127.0.0.1:{duologue.port}") < said.index("ready http")


def test_selfcheck_drives_the_whole_loop_and_leaves_nothing(duologue: Running) -> None:
    answer = duologue.manage("register_model", "fake", "--engine", "fake")
    assert answer.returncode == 0, answer.stderr
    answer = duologue.selfcheck()
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "every pair traced to its origin" in answer.stdout
    assert "all is well after" in answer.stdout
    code = (
        "from labeling.models import *; from sampler.models import *; from accounts.models import *; "
        "print('left', Project.objects.count(), Dialogue.objects.count(), Completion.objects.count(), "
        "SampleRequest.objects.count(), User.objects.count())"
    )
    assert "left 0 0 0 0 0" in duologue.manage("shell", "-c", code).stdout
    assert not [path for path in (duologue.var / "exports").rglob("*") if path.is_file()]


def test_nothing_that_a_start_wrote_is_open_to_other_users(duologue: Running) -> None:
    assert open_to_others(duologue.var) == []


def test_selfcheck_says_what_does_not_work_and_cleans_up(duologue: Running) -> None:
    answer = duologue.manage("selfcheck", "--model", "absent")
    assert answer.returncode == 1
    assert answer.stderr.strip() == "CommandError: There is no model version 'absent'."


def test_selfcheck_finds_a_start_on_another_port_by_itself(duologue: Running) -> None:
    answer = duologue.manage("selfcheck", "--model", "absent", DUOLOGUE_PORT="")
    assert "the web server is ready" in answer.stdout
    assert answer.stderr.strip() == "CommandError: There is no model version 'absent'."


def test_a_killed_web_server_is_back_soon(duologue: Running) -> None:
    before = duologue.processes()["web"]
    os.kill(before, signal.SIGKILL)
    eventually(lambda: duologue.processes().get("web", before) != before and duologue.is_ready(), "the web server")
    assert "the web server ended (killed by SIGKILL); starting it again" in duologue.said()


@pytest.mark.slow
def test_every_other_child_is_noticed_and_started_again_when_killed(duologue: Running) -> None:
    names = ["worker", "beat", "sampler", "valkey", "postgresql", "supervisor of valkey", "supervisor of postgresql"]
    for name in names:
        before = duologue.processes()[name]
        os.kill(before, signal.SIGKILL)

        def is_back(name: str = name, before: int = before) -> bool:
            try:
                return duologue.processes().get(name, before) != before and duologue.is_ready()
            except (OSError, ValueError):
                return False

        eventually(is_back, f"{name} started again")
    duologue.manage("register_model", "fake", "--engine", "fake")
    answer = duologue.selfcheck()
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.slow
def test_a_reply_that_is_done_is_a_turn_at_once(duologue: Running) -> None:
    duologue.manage("register_model", "fake", "--engine", "fake")
    answer = duologue.manage("shell", "-c", EIGHT_REPLIES)
    assert "median" in answer.stdout, answer.stderr
    assert float(answer.stdout.split("median ")[1]) < 0.4


@pytest.mark.slow
def test_redis_emptied_at_work_costs_a_delay_and_no_task(duologue: Running) -> None:
    import redis

    from common import embedded

    duologue.manage("register_model", "fake", "--engine", "fake")
    client = redis.from_url(embedded.discover(duologue.var).redis_url)
    client.flushall()
    answer = duologue.selfcheck()
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_sigterm_ends_everything_and_leaves_no_process(duologue: Running) -> None:
    known = duologue.processes()
    assert duologue.stop() == 0
    assert "stopped; everything is kept" in duologue.said()
    eventually(lambda: not duologue.left_behind(), f"{duologue.left_behind()} ended")
    assert not [name for name, pid in known.items() if processes.alive(pid)]


@pytest.mark.slow
def test_children_of_a_killed_start_end_and_the_next_start_finds_everything(duologue: Running) -> None:
    code = "from accounts.models import User; User.objects.get_or_create(username='kept')"
    assert duologue.manage("shell", "-c", code).returncode == 0
    assert duologue.process is not None
    duologue.process.kill()
    duologue.process.wait()
    eventually(lambda: not duologue.left_behind(), "the children of the killed start ended")
    duologue.start()
    code = "from accounts.models import User; print(User.objects.filter(username='kept').count())"
    answer = duologue.manage("shell", "-c", code)
    assert answer.stdout.strip().endswith("1")
    assert duologue.stop(signal.SIGINT) == 0
    eventually(lambda: not duologue.left_behind(), "all ended")
