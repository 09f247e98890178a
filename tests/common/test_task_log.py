"""What a request causes in a worker bears its number and user in the log."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
from celery import Celery
from celery.contrib.testing.worker import start_worker

from common.serving import request_id, task_log
from common.serving.json_log import JsonFormatter

NUMBER = "a-number-of-a-request"
log = logging.getLogger("duologue.test.worker")


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(JsonFormatter())
    handler.addFilter(request_id.Filter())
    log.addHandler(handler)
    yield out
    log.removeHandler(handler)


def _say(word: str) -> None:
    log.warning(word)


@pytest.mark.slow
def test_the_workers_lines_bear_number_and_user_of_the_request_that_sent_the_task(lines: io.StringIO) -> None:
    app = Celery("test", broker="memory://", backend="cache+memory://", set_as_current=False)
    task_log.connect()

    say = app.task(name="test.say")(_say)
    with start_worker(app, pool="solo", perform_ping_check=False, shutdown_timeout=90):
        number, user = request_id.current.set(NUMBER), request_id.who.set(lambda: 7)
        first = say.delay("caused")
        request_id.current.reset(number)
        request_id.who.reset(user)
        second = say.delay("by beat")
        first.get(timeout=90)
        second.get(timeout=90)
    caused, by_beat = (json.loads(line) for line in lines.getvalue().splitlines())
    assert (caused["message"], caused["request_id"], caused["user_id"]) == ("caused", NUMBER, 7)
    assert {"request_id", "user_id"} & set(by_beat) == set()


def test_workers_log_as_the_settings_say() -> None:
    from config.celery import app

    root = logging.getLogger()
    before = list(root.handlers)
    app.log.already_setup = False
    app.log.setup(loglevel="INFO", redirect_stdouts=False)
    assert root.handlers == before
