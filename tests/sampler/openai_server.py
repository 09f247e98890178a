"""An OpenAI-compatible server that misbehaves on command, and an engine that asks it."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NotRequired, TypedDict

from common.shapes import JsonLike, Message
from sampler.engines.base import Ended, Event, Failed, Job
from sampler.engines.openai import OpenAIEngine
from sampler.params import SamplingParams


class Body(TypedDict):
    """A request, as far as a test reads it."""

    messages: list[Message]
    n: NotRequired[int]
    seed: NotRequired[int]
    logprobs: NotRequired[bool]


Answer = Callable[["Handler", Body], None]


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

    def say(self, status: int, body: JsonLike, **headers: str) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def chunk(self, text: str, *, index: int = 0, finish: str | None = None) -> None:
        choice = {"index": index, "delta": {"content": text}, "finish_reason": finish}
        self.wfile.write(f"data: {json.dumps({'choices': [choice]}, ensure_ascii=False)}\n\n".encode())
        self.wfile.flush()

    def begin(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the test reads what was asked."""


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.lock = threading.Lock()
        self.script: list[Answer] = [answers]
        self.asked: list[tuple[float, Body]] = []
        self.greeting = 200
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def bodies(self) -> list[Body]:
        return [body for _, body in self.asked]


def answers(handler: Handler, body: Body) -> None:
    handler.begin()
    for index in range(body.get("n", 1)):
        handler.chunk("well ", index=index)
        handler.chunk("said", index=index, finish="stop")
    handler.wfile.write(b"data: [DONE]\n\n")


def answers_one(handler: Handler, body: Body) -> None:
    """As a server does that ignores n."""
    answers(handler, {**body, "n": 1})


def breaks_off(handler: Handler, body: Body) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream")
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    handler.chunk("half a ")
    handler.close_connection = True


def says(status: int, text: str, **headers: str) -> Answer:
    return lambda handler, body: handler.say(status, {"error": {"message": text}}, **headers)


def run(engine: OpenAIEngine, *, text: str = "Well?", n: int = 1) -> list[Event]:
    job = Job(uuid.uuid4(), [Message(role="user", content=text)], SamplingParams(n=n, max_tokens=8, seed=3))
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
