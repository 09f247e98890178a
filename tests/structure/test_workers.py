"""Processes of tests beside each other: ports, the test that wants the machine for itself, the template database."""

from __future__ import annotations

import gzip
import threading
from pathlib import Path

import pytest
from django.db import connection

from tests import workers


def hold(entered: threading.Event, leave: threading.Event, *, alone: bool) -> threading.Thread:
    """A thread that stands for a worker: it holds the machine until it is told to leave."""

    def act() -> None:
        with workers.machine(alone=alone):
            entered.set()
            assert leave.wait(30)

    thread = threading.Thread(target=act)
    thread.start()
    return thread


def test_a_test_alone_waits_for_those_that_run_and_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")
    monkeypatch.setenv("DUOLOGUE_VAR", str(tmp_path / "1"))
    entered, leave = [threading.Event() for _ in range(4)], [threading.Event() for _ in range(4)]
    running = [hold(entered[n], leave[n], alone=False) for n in (0, 1)]
    assert entered[0].wait(30)
    assert entered[1].wait(30)  # two others share the machine
    running.append(hold(entered[2], leave[2], alone=True))
    assert not entered[2].wait(0.2)
    running.append(hold(entered[3], leave[3], alone=False))
    assert not entered[3].wait(0.2)  # it came later than the one that waits
    leave[0].set()
    leave[1].set()
    assert entered[2].wait(30)
    assert not entered[3].wait(0.2)
    leave[2].set()
    assert entered[3].wait(30)
    leave[3].set()
    for thread in running:
        thread.join(30)


@pytest.mark.parametrize(("seconds_before", "waits"), [(0.5, [0.6]), (29.0, [29.1]), (31.0, []), (40_000.0, [])])
def test_no_test_begins_just_before_midnight(
    monkeypatch: pytest.MonkeyPatch, seconds_before: float, waits: list[float]
) -> None:
    slept: list[float] = []

    class Clock:
        time = staticmethod(lambda: 20_000 * 86_400 - seconds_before)
        sleep = slept.append

    monkeypatch.setattr(workers, "time", Clock)
    workers.let_the_day_turn()
    assert slept == pytest.approx(waits)


def test_no_port_is_given_twice_in_a_worker_or_to_two(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[int] = []
    for name in ("gw0", "gw1"):
        monkeypatch.setenv("PYTEST_XDIST_WORKER", name)
        given += [workers.free_port() for _ in range(200)]
    assert len(set(given)) == 400
    assert {port % (workers.MOST_WORKERS + 1) for port in given[:200]} == {1}


@pytest.mark.parametrize("packed", [gzip.compress(b"one"), gzip.compress(b"two")])
def test_names_of_tests_do_not_hang_on_the_time_of_collection(packed: bytes, request: pytest.FixtureRequest) -> None:
    assert request.node.name.endswith(("[packed0]", "[packed1]"))


@pytest.mark.django_db
def test_the_test_database_is_a_copy_of_a_template_that_is_made_once() -> None:
    name = workers.template_database()
    assert connection.settings_dict["TEST"]["TEMPLATE"] == name == workers.template_database()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_database WHERE datname LIKE 'duologue\\_template\\_%'")
        assert cursor.fetchone() == (1,)
