"""A server that is away, busy or broken: how long the openai engine waits for it."""

from __future__ import annotations

import socket
import threading
from functools import partial
from itertools import count

import pytest

from sampler.engines import _patience, openai
from sampler.engines.base import Delta, Spec
from tests.sampler.asking import answers, breaks_off, failure, plain_server, run, says, texts
from tests.sampler.openai_fixtures import engine as engine
from tests.sampler.openai_fixtures import server as server
from tests.stand_ins.model_server import ModelServer


def test_a_busy_server_is_asked_again_after_the_time_it_names(
    server: ModelServer, engine: openai.OpenAIEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    pause = _patience.Patience.pause

    def noted(patience: _patience.Patience, error: Exception, *, shown: bool) -> float:
        pauses.append(pause(patience, error, shown=shown))
        return pauses[-1]

    monkeypatch.setattr(_patience.Patience, "pause", noted)
    server.script = [says(429, "slow down", Retry_After="1"), says(503, "busy"), answers]
    assert texts(run(engine)) == ["well said"]
    first, second, _ = (at for at, path, _ in server.asked if path.endswith("completions"))
    assert second - first >= 1.0
    assert pauses == [1.0, 0.02]


def test_a_server_that_is_away_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_patience, "PAUSES", (0.05,))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    engine = openai.ENGINE.load(Spec("remote", location=f"http://127.0.0.1:{port}/v1"))
    assert "does not answer" in engine.server.trouble
    timer = threading.Timer(0.5, lambda: made.append(plain_server(port)))
    made: list[ModelServer] = []
    timer.start()
    try:
        assert texts(run(engine)) == ["well said"]
        assert engine.server.trouble == ""
    finally:
        engine.close()
        timer.join()
        made[0].close()


def test_a_server_that_stays_busy_fails_the_request_which_may_be_tried_later(
    server: ModelServer, engine: openai.OpenAIEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Clock:  # a twentieth of a second passes from look to look, however slow the machine is
        monotonic = partial(next, count(step=0.05))

    monkeypatch.setattr(_patience, "time", Clock)
    server.script = [says(503, "busy")]
    engine.server.outage = 0.2
    end = failure(run(engine))
    assert end.retry
    assert "HTTP 503" in end.reason
    assert len(server.bodies()) > 3


def test_an_error_of_the_server_is_tried_thrice_and_no_more(server: ModelServer, engine: openai.OpenAIEngine) -> None:
    server.script = [says(500, "a stack trace")]
    assert failure(run(engine)).retry
    assert len(server.bodies()) == 3


def test_text_that_was_shown_is_never_drawn_again_behind_the_readers_back(
    server: ModelServer, engine: openai.OpenAIEngine
) -> None:
    server.script = [breaks_off, answers]
    events = run(engine)
    assert failure(events).retry
    assert [event.text for event in events if isinstance(event, Delta)] == ["half a "]
    assert len(server.bodies()) == 1
