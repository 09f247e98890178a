"""What stands between the server and Django: deadlines, fair shares, numbers of requests, lines of the log."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import TypedDict, cast

import pytest
from asgiref.typing import ASGI3Application, HTTPScope

from common.serving import deadline, figures, request_id
from common.serving.access import Access
from common.serving.deadline import Deadline, Watchdog
from common.serving.fair_share import MOST_OPEN, MOST_WAITING, FairShare
from common.serving.json_log import JsonFormatter


class Message(TypedDict, total=False):
    """The members of ASGI's messages that are looked at here."""

    type: str
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    more_body: bool


Messages = list[Message]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Plain = Callable[[object, Receive, Send], Awaitable[None]]


def ask(application: object, *, messages: Messages | None = None, **headers: str) -> Coroutine[None, None, Messages]:
    """One request; the messages that were sent back."""
    waiting = list(messages or [{"type": "http.request", "body": b"", "more_body": False}])
    sent: Messages = []
    scope = {
        "type": "http", "method": "GET", "path": "/secret-path/", "client": ("192.0.2.7", 1),
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip

    async def receive() -> Message:
        return cast(Message, waiting.pop(0))

    async def send(message: Message) -> None:
        sent.append(message)

    async def run() -> Messages:
        await cast(Plain, application)(scope, receive, send)
        return sent

    return run()


async def answers(scope: HTTPScope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"well"})


async def settled() -> None:
    """All other tasks have come as far as they can, however long that takes."""
    for _ in range(50):
        await asyncio.sleep(0)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What deadline and watchdog take for the time: a machine that stops for a moment makes nothing late."""
    now = [1000.0]

    class Clock:
        monotonic = staticmethod(lambda: now[0])
        sleep = staticmethod(time.sleep)

    monkeypatch.setattr(deadline, "time", Clock)
    return now


def test_an_answer_in_time_goes_through_as_it_is() -> None:
    assert asyncio.run(ask(Deadline(cast(ASGI3Application, answers), seconds=60)))[0]["status"] == 200


def test_a_request_past_its_deadline_is_answered_and_what_it_says_later_goes_nowhere() -> None:
    async def slow(scope: HTTPScope, receive: Receive, send: Send) -> None:
        try:
            await asyncio.Event().wait()  # it would never be answered otherwise
        finally:
            await answers(scope, receive, send)

    sent = asyncio.run(ask(Deadline(cast(ASGI3Application, slow), seconds=0.2)))
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert sent[0]["status"] == 503
    assert json.loads(sent[1]["body"])["title"] == "This takes too long"


def test_a_stream_that_has_begun_may_take_as_long_as_it_likes() -> None:
    async def stream(scope: HTTPScope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.sleep(0.5)
        await send({"type": "http.response.body", "body": b"late"})

    assert asyncio.run(ask(Deadline(cast(ASGI3Application, stream), seconds=0.1)))[-1]["body"] == b"late"


def test_a_slow_upload_is_not_our_time(clock: list[float]) -> None:
    async def upload(scope: HTTPScope, receive: Receive, send: Send) -> None:
        for _ in range(3):
            clock[0] += 0.06
            await asyncio.sleep(0.15)  # the deadline looks meanwhile
            await receive()
        await answers(scope, receive, send)

    parts: Messages = [{"type": "http.request", "body": b"x", "more_body": True}] * 4
    assert asyncio.run(ask(Deadline(cast(ASGI3Application, upload), seconds=0.1), messages=parts))[0]["status"] == 200


def test_a_thread_that_does_not_come_back_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    ended: list[int] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: told.append(number))
    dog = Watchdog(hung=0.2, last=0.05, end=ended.append)
    release = threading.Event()

    def request() -> None:
        with dog.at_work():
            release.wait(60)

    thread = threading.Thread(target=request)
    thread.start()
    until = time.monotonic() + 60
    while not ended and time.monotonic() < until:
        time.sleep(0.02)
    release.set()
    thread.join()
    assert ended == [deadline.STATUS]
    assert told == [15]


def test_a_thread_that_comes_back_or_was_given_more_time_ends_nothing(clock: list[float]) -> None:
    ended: list[int] = []
    dog = Watchdog(hung=0.2, last=0.0, end=ended.append)
    for _ in range(4):
        with dog.at_work():
            clock[0] += 0.15
            time.sleep(0.1)  # the watchdog looks meanwhile
            assert dog.hung_thread() is None
    with dog.at_work(seconds_more=10):
        clock[0] += 10.1
        time.sleep(0.1)
        assert dog.hung_thread() is None
    assert not ended


def test_one_person_has_two_requests_at_work_and_another_waits_for_neither() -> None:
    at_once = 0
    most = 0
    go_on = asyncio.Event()

    async def work(scope: HTTPScope, receive: Receive, send: Send) -> None:
        nonlocal at_once, most
        if (b"authorization", b"Bearer mine") in scope["headers"]:
            at_once += 1
            most = max(most, at_once)
            await go_on.wait()
            await settled()
            at_once -= 1
        await answers(scope, receive, send)

    async def everybody() -> None:
        share = FairShare(cast(ASGI3Application, work), at_once=2)
        mine = [asyncio.ensure_future(ask(share, authorization="Bearer mine")) for _ in range(16)]
        await settled()
        assert at_once == 2
        await ask(share, authorization="Bearer other")
        assert not any(one.done() for one in mine)
        go_on.set()
        assert all(sent[0]["status"] == 200 for sent in await asyncio.gather(*mine))
        assert not share.here
        assert not share.places

    asyncio.run(everybody())
    assert most == 2


def test_who_has_too_many_waiting_is_told_to_come_later() -> None:
    async def forever(scope: HTTPScope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(60)

    async def crowd() -> Messages:
        share = FairShare(cast(ASGI3Application, forever), at_once=1)
        tasks = [asyncio.ensure_future(ask(share, cookie="sessionid=abc")) for _ in range(MOST_WAITING + 1)]
        await settled()
        sent = await ask(share, cookie="sessionid=abc", accept="text/html")
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return sent

    sent = asyncio.run(crowd())
    assert sent[0]["status"] == 429
    assert b"<h1>Too Many Requests</h1>" in sent[1]["body"]


def test_a_stream_that_has_begun_takes_no_place_from_its_reader() -> None:
    async def stream(scope: HTTPScope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.sleep(60)

    async def tabs() -> Messages:
        share = FairShare(cast(ASGI3Application, stream), at_once=1)
        tasks = [asyncio.ensure_future(ask(share, cookie="sessionid=abc")) for _ in range(MOST_WAITING + 9)]
        await settled()
        assert not share.here
        share.application = cast(ASGI3Application, answers)
        sent = await ask(share, cookie="sessionid=abc")
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return sent

    assert asyncio.run(tabs())[0]["status"] == 200


def test_who_holds_hundreds_of_streams_open_is_told_to_close_some() -> None:
    ends = asyncio.Event()

    async def stream(scope: HTTPScope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await ends.wait()

    async def tabs() -> tuple[Messages, Messages, Messages]:
        share = FairShare(cast(ASGI3Application, stream), at_once=2)
        tasks = [asyncio.ensure_future(ask(share, cookie="sessionid=abc")) for _ in range(MOST_OPEN)]
        await settled()
        refused = await ask(share, cookie="sessionid=abc")
        share.application = cast(ASGI3Application, answers)
        other = await ask(share, cookie="sessionid=other")
        ends.set()
        await asyncio.gather(*tasks)
        assert not share.open
        return refused, other, await ask(share, cookie="sessionid=abc")

    refused, other, later = asyncio.run(tabs())
    assert refused[0]["status"] == 429
    assert "streams" in json.loads(refused[1]["body"])["detail"]
    assert other[0]["status"] == later[0]["status"] == 200


def test_the_number_of_a_request_is_in_its_answer_and_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "common.serving.access")
    caplog.handler.addFilter(request_id.Filter())
    sent = asyncio.run(ask(Access(cast(ASGI3Application, answers))))
    number = dict(sent[0]["headers"])[b"x-request-id"].decode()
    (record,) = caplog.records
    line = json.loads(JsonFormatter().format(record))
    assert line["request_id"] == number
    assert line["status"] == 200
    assert "duration_ms" in line
    assert "secret-path" not in json.dumps(line)


@pytest.mark.parametrize(("given", "kept"), [("abcdef-123456", True), ("short", False), ("a b\nc" * 5, False)])
def test_a_proxys_number_is_kept_where_it_is_fit_for_a_log(given: str, kept: bool) -> None:
    assert (request_id.new(given) == given) is kept


def test_strangers_make_no_new_labels() -> None:
    before = len(next(iter(figures.requests_total.collect())).samples)
    for number in range(5):
        figures.answered(method=f"ODD{number}", route="", status=404, seconds=0.01)
    assert len(next(iter(figures.requests_total.collect())).samples) <= before + 2
