"""The openai engine against a server that misbehaves on command. What every engine does is in test_engines.py."""

from __future__ import annotations

import json
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from sampler.engines import openai
from sampler.engines.base import CannotLoad, Delta, Ended, Event, Failed, Job, Spec, Started
from sampler.params import SamplingParams

Answer = Callable[["Handler", dict[str, Any]], None]


class Handler(BaseHTTPRequestHandler):
    """Takes the next answer of the script; the last one is given again and again."""

    server: Server

    def do_GET(self) -> None:
        self.say(self.server.greeting, {"data": [{"id": "remote"}]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.asked.append((time.monotonic(), body))
            answer = self.server.script.pop(0) if len(self.server.script) > 1 else self.server.script[0]
        answer(self, body)

    def say(self, status: int, body: Any, **headers: str) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def chunk(self, text: str, *, index: int = 0, finish: str | None = None) -> None:
        choice = {"index": index, "delta": {"content": text}, "finish_reason": finish}
        self.wfile.write(f"data: {json.dumps({'choices': [choice]})}\n\n".encode())
        self.wfile.flush()

    def begin(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the test reads what was asked."""


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.lock = threading.Lock()
        self.script: list[Answer] = [answers]
        self.asked: list[tuple[float, dict[str, Any]]] = []
        self.greeting = 200
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def bodies(self) -> list[dict[str, Any]]:
        return [body for _, body in self.asked]


def answers(handler: Handler, body: dict[str, Any]) -> None:
    handler.begin()
    for index in range(body.get("n", 1)):
        handler.chunk("well ", index=index)
        handler.chunk("said", index=index, finish="stop")
    handler.wfile.write(b"data: [DONE]\n\n")


def answers_one(handler: Handler, body: dict[str, Any]) -> None:
    """As a server does that ignores n."""
    answers(handler, {**body, "n": 1})


def breaks_off(handler: Handler, body: dict[str, Any]) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    handler.chunk("half a ")
    handler.close_connection = True


def says(status: int, text: str, **headers: str) -> Answer:
    return lambda handler, body: handler.say(status, {"error": {"message": text}}, **headers)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(openai, "PAUSES", (0.01, 0.02))
    made = Server()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def engine(server: Server) -> Iterator[openai.OpenAIEngine]:
    made = openai.load(Spec("remote", location=server.url))
    yield made
    made.close()


def run(engine: openai.OpenAIEngine, *, text: str = "Well?", n: int = 1) -> list[Event]:
    job = Job(uuid.uuid4(), [{"role": "user", "content": text}], SamplingParams(n=n, max_tokens=8, seed=3))
    engine.add(job)
    events: list[Event] = []
    until = time.monotonic() + 20
    while not any(isinstance(event, Ended | Failed) for event in events):
        assert time.monotonic() < until
        events += engine.step()
    assert engine.room().running == 0
    return events


def texts(events: list[Event]) -> list[str]:
    (end,) = (event for event in events if isinstance(event, Ended))
    return [drawn.text for drawn in end.drawn]


def failure(events: list[Event]) -> Failed:
    (end,) = (event for event in events if isinstance(event, Failed))
    return end


def test_a_busy_server_is_asked_again_after_the_time_it_names(server: Server, engine: openai.OpenAIEngine) -> None:
    server.script = [says(429, "slow down", Retry_After="1"), says(503, "busy"), answers]
    assert texts(run(engine)) == ["well said"]
    (first, second, third) = (at for at, _ in server.asked)
    assert 1.0 <= second - first < 3.0
    assert third - second < 1.0


def test_a_server_that_is_away_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai, "PAUSES", (0.05,))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    engine = openai.load(Spec("remote", location=f"http://127.0.0.1:{port}/v1"))
    assert "does not answer" in engine.trouble
    timer = threading.Timer(0.5, lambda: made.append(Server(port)))
    made: list[Server] = []
    timer.start()
    try:
        assert texts(run(engine)) == ["well said"]
        assert engine.trouble == ""
    finally:
        engine.close()
        timer.join()
        made[0].shutdown()
        made[0].server_close()


def test_a_server_that_stays_busy_fails_the_request_which_may_be_tried_later(
    server: Server, engine: openai.OpenAIEngine
) -> None:
    server.script = [says(503, "busy")]
    engine.outage = 0.2
    end = failure(run(engine))
    assert end.retry
    assert "HTTP 503" in end.reason
    assert len(server.asked) > 3


def test_an_error_of_the_server_is_tried_thrice_and_no_more(server: Server, engine: openai.OpenAIEngine) -> None:
    server.script = [says(500, "a stack trace")]
    assert failure(run(engine)).retry
    assert len(server.asked) == 3


def test_text_that_was_shown_is_never_drawn_again_behind_the_readers_back(
    server: Server, engine: openai.OpenAIEngine
) -> None:
    server.script = [breaks_off, answers]
    events = run(engine)
    assert failure(events).retry
    assert [event.text for event in events if isinstance(event, Delta)] == ["half a "]
    assert len(server.asked) == 1


def test_a_refusal_is_final_and_told(server: Server, engine: openai.OpenAIEngine) -> None:
    server.script = [says(401, "the key has expired")]
    end = failure(run(engine))
    assert not end.retry
    assert "HTTP 401" in end.reason
    assert "the key has expired" in end.reason


def test_a_redirect_is_not_followed(server: Server, engine: openai.OpenAIEngine) -> None:
    server.script = [says(307, "elsewhere", Location="http://127.0.0.1:9/v1/chat/completions")]
    assert not failure(run(engine)).retry
    assert len(server.asked) == 1


def test_a_prompt_that_proves_too_long_is_cut_until_it_fits(server: Server, engine: openai.OpenAIEngine) -> None:
    def short_ones(handler: Handler, body: dict[str, Any]) -> None:
        length = sum(len(message["content"]) for message in body["messages"])
        (answers if length < 2000 else says(400, "maximum context length is 512 tokens"))(handler, body)

    server.script = [short_ones]
    events = run(engine, text="a long story " * 400)
    assert texts(events) == ["well said"]
    report = [event.report for event in events if isinstance(event, Started)][-1]
    assert report["characters_cut"] > 0


def test_options_that_a_server_refuses_are_left_out_from_then_on(server: Server, engine: openai.OpenAIEngine) -> None:
    def strict(handler: Handler, body: dict[str, Any]) -> None:
        (says(400, "unknown field logprobs") if "logprobs" in body else answers)(handler, body)

    server.script = [strict]
    assert texts(run(engine)) == ["well said"]
    assert texts(run(engine)) == ["well said"]
    assert ["logprobs" in body for body in server.bodies()] == [True, False, False]


def test_samples_that_a_server_leaves_out_are_asked_for_one_by_one(server: Server, engine: openai.OpenAIEngine) -> None:
    server.script = [answers_one]
    assert texts(run(engine, n=3)) == ["well said"] * 3
    assert [body.get("n", 1) for body in server.bodies()] == [3, 1, 1]
    seeds = [body["seed"] for body in server.bodies()]
    assert len(set(seeds)) == 3


def test_a_template_without_a_system_turn_gets_it_merged_into_the_first_user_turn(server: Server) -> None:
    def no_system(handler: Handler, body: dict[str, Any]) -> None:
        roles = [message["role"] for message in body["messages"]]
        (says(400, "System role not supported") if "system" in roles else answers)(handler, body)

    server.script = [no_system]
    engine = openai.load(Spec("remote", location=server.url, system_prompt="Be brief."))
    try:
        assert texts(run(engine)) == ["well said"]
    finally:
        engine.close()
    assert "Be brief." in server.bodies()[-1]["messages"][0]["content"]


def test_a_server_that_refuses_the_key_is_not_loaded(server: Server) -> None:
    server.greeting = 401
    with pytest.raises(CannotLoad, match="refuses the key"):
        openai.load(Spec("remote", location=server.url))


def test_a_key_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    with pytest.raises(CannotLoad, match="NO_SUCH_KEY"):
        openai.load(Spec("remote", location="http://127.0.0.1:9/v1", api_key_env="NO_SUCH_KEY"))
