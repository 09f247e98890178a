"""The slow tier: pages of a large project, and the next task beside many open streams."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from django.conf import settings

from benchmarks import filling, pages, services
from benchmarks.browsing import Trainer
from tests.journeys.server import database_url

pytestmark = [pytest.mark.slow, pytest.mark.alone, pytest.mark.django_db(transaction=True), pytest.mark.timeout(900)]


@pytest.fixture
def large() -> Iterator[tuple[filling.Made, Trainer]]:
    made = filling.prepare(100_000)
    with (
        services.web_server(database_url(), REDIS_URL=settings.REDIS_URL, SECRET_KEY=settings.SECRET_KEY) as url,
        closing(Trainer(url, made["session"])) as trainer,
    ):
        yield made, trainer


def test_pages_stay_quick_and_idle_streams_do_not_slow_the_next_task(
    large: tuple[filling.Made, Trainer],
) -> None:
    made, trainer = large
    for _ in range(3):  # what others do on the machine only adds
        medians = {name: server for name, (server, _) in pages.page_times(trainer, made).items()}
        if max(medians.values()) < pages.ALLOWED:
            break
    assert max(medians.values()) < pages.ALLOWED, medians
    with closing(Trainer(str(trainer.http.base_url), made["manager"])) as manager:
        for _ in range(3):
            managed = {name: server for name, (server, _) in pages.managed_times(manager, made).items()}
            if max(managed.values()) < pages.MANAGED:
                break
    assert max(managed.values()) < pages.MANAGED, managed
    for _ in range(3):
        quiet, busy = pages.next_task_beside_streams(trainer, made, streams=200)
        if busy <= pages.SLOWER * quiet:
            break
    assert busy <= pages.SLOWER * quiet, (quiet, busy)
