"""A person's requests are counted by each process, and together once a second."""

from __future__ import annotations

from unittest.mock import Mock

import pytest
from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.views import APIView

from common import throttling
from common.throttling import Rate


class Process:
    """A process of its own: what it has counted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, clock: list[float]) -> None:
        class Own(Rate):
            rate = "10/min"
            _counts: dict[str, throttling.Count] = {}
            timer = staticmethod(lambda: clock[0])

        self.rate = Own

    def asks(self, times: int) -> list[bool]:
        return [self.rate().allow_request(a_request(), Mock(spec=APIView)) for _ in range(times)]


def a_request() -> Mock:
    request = Mock(spec=Request, META={})
    request.user.is_authenticated, request.user.pk = True, 12345
    return request


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    cache.clear()
    now = [6_000_000.0]  # a minute begins
    monkeypatch.setattr("common.throttling.time.monotonic", lambda: now[0])
    return now


def test_one_process_counts_without_asking_redis_each_time(monkeypatch: pytest.MonkeyPatch, clock: list[float]) -> None:
    asked = Mock(wraps=cache.incr)
    monkeypatch.setattr(cache, "incr", asked)
    assert Process(monkeypatch, clock).asks(12) == [True] * 10 + [False] * 2
    assert asked.call_count == 1


def test_two_processes_know_of_each_other_after_a_second(monkeypatch: pytest.MonkeyPatch, clock: list[float]) -> None:
    one, other = Process(monkeypatch, clock), Process(monkeypatch, clock)
    assert one.asks(6) == [True] * 6
    clock[0] += 1.5
    assert one.asks(1) == [True]  # shares what it had
    assert other.asks(5) == [True] * 4 + [False]


def test_the_window_before_counts_by_the_share_that_is_left_of_it(
    monkeypatch: pytest.MonkeyPatch, clock: list[float]
) -> None:
    process = Process(monkeypatch, clock)
    assert all(process.asks(10))
    clock[0] += 2
    assert process.asks(1) == [False]
    clock[0] += 58 + 30  # half of the next minute
    assert process.asks(6) == [True] * 5 + [False]


def test_a_request_that_is_asked_about_twice_counts_once(monkeypatch: pytest.MonkeyPatch, clock: list[float]) -> None:
    process, request = Process(monkeypatch, clock), a_request()
    assert [process.rate().allow_request(request, Mock(spec=APIView)) for _ in range(4)] == [True] * 4
    assert process.asks(10) == [True] * 9 + [False]
