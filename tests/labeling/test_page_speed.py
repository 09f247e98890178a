"""The slow tier: pages of a large project, and the next task beside many open streams."""

from __future__ import annotations

import pytest

from benchmarks import pages
from tests.journeys.conftest import Server, free_port

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), pytest.mark.timeout(900)]


@pytest.fixture
def large():
    made = pages.prepare(100_000)
    server = Server(free_port())
    server.start()
    yield made, pages.Trainer(server.url, made["session"])
    server.stop()


def test_pages_stay_quick_and_idle_streams_do_not_slow_the_next_task(large):
    made, trainer = large
    medians = pages.page_times(trainer, made["slug"])
    assert medians["ranking"] < 40, medians
    quiet, busy = pages.next_task_beside_streams(trainer, made["slug"], stream=made["stream"], streams=200)
    assert busy <= 1.2 * quiet, (quiet, busy)
