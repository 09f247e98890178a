"""Short answers of the stand-in for a model server, and an engine that asks it."""

from __future__ import annotations

import time
import uuid

from common.shapes import JsonObject, Message
from sampler.engines.base import Ended, Event, Failed, Job
from sampler.engines.openai import OpenAIEngine
from sampler.params import SamplingParams
from tests.stand_ins.model_server import Answer, Handler, ModelServer


def plain_server(port: int = 0) -> ModelServer:
    """One that tells nothing of itself, and says "well said"."""
    made = ModelServer("openai", port=port, context=0)
    made.script = [answers]
    return made


def answers(handler: Handler, body: JsonObject) -> None:
    handler.begin()
    n = body.get("n", 1)
    assert isinstance(n, int)
    for index in range(n):
        handler.piece("well ", index=index)
        handler.piece("said", index=index, finish="stop")
    handler.done()


def answers_one(handler: Handler, body: JsonObject) -> None:
    """As a server does that ignores n."""
    answers(handler, {**body, "n": 1})


def breaks_off(handler: Handler, body: JsonObject) -> None:
    handler.begin(Content_Length="100000")
    handler.piece("half a ")
    handler.close_connection = True


def says(status: int, text: str, **headers: str) -> Answer:
    return lambda handler, body: handler.say(status, {"error": {"message": text}}, **headers)


def messages(body: JsonObject) -> list[tuple[str, str]]:
    """Role and content of each message of a request."""
    found = body["messages"]
    assert isinstance(found, list)
    return [(str(one["role"]), str(one["content"])) for one in found if isinstance(one, dict)]


def run(engine: OpenAIEngine, *, text: str = "Well?", n: int = 1) -> list[Event]:
    job = Job(uuid.uuid4(), [Message(role="user", content=text)], SamplingParams(n=n, max_tokens=8, seed=3))
    engine.add(job)
    events: list[Event] = []
    until = time.monotonic() + 90
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
