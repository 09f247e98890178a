"""Live text over server-sent events: complete, resumable, and without a database connection while open."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeVar

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, connections
from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.test import AsyncClient

from accounts.models import User
from labeling import chats, dialogues, turns
from labeling.models import Dialogue, Project
from labeling.suggestions import request_suggestions
from labeling.views import streams as view
from sampler import endings, streams
from sampler.models import SampleRequest
from tests import makers

R = TypeVar("R")
Event = tuple[str, dict[str, str]]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def chat(project: Project, alice: User) -> Dialogue:
    dialogue = dialogues.start_dialogue(project=project, author=alice, kind="chat")
    chats.send_message(dialogue=dialogue, text="Hello?")
    return dialogue


def run(act: Callable[[AsyncClient], Awaitable[R]], user: User) -> R:
    """`act(client)` in an event loop, as `user`; what it opened in the loop's thread is closed again."""

    async def main() -> R:
        client = AsyncClient()
        await client.aforce_login(user)
        try:
            return await act(client)
        finally:
            await sync_to_async(connections.close_all)()

    return asyncio.run(main())


def pending(chat: Dialogue) -> SampleRequest:
    assert chat.pending_request is not None
    return chat.pending_request


def say(request: SampleRequest, *words: str, end: str = "") -> None:
    entries: list[streams.Fields] = [{"i": 0, "t": word} for word in words]
    streams.publish((request.pk, fields) for fields in entries + ([{"end": end}] if end else []))


async def whole(response: HttpResponseBase) -> bytes:
    assert isinstance(response, StreamingHttpResponse)
    return b"".join([chunk async for chunk in response])


async def events(response: HttpResponseBase) -> list[Event]:
    """(id, data) of every event, to the end of the stream."""
    body = (await whole(response)).decode()
    found = []
    for block in body.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line and not line.startswith(":"))
        if "id" in lines:
            found.append((lines["id"], json.loads(lines["data"])))
    return found


def test_the_whole_text_comes_in_order_and_ends(chat: Dialogue, alice: User) -> None:
    request = pending(chat)
    say(request, "One", " two", "\nthree ünïcode", end="done")

    async def act(client: AsyncClient) -> list[Event]:
        response = await client.get(f"/dialogues/{chat.pk}/stream/?r={request.pk}@0")
        assert response["Content-Type"] == "text/event-stream"
        return await events(response)

    found = run(act, alice)
    assert "".join(data.get("t", "") for _, data in found) == "One two\nthree ünïcode"
    assert found[-1][1]["end"] == "done"


def test_a_reader_that_comes_back_gets_only_what_it_has_not_seen(chat: Dialogue, alice: User) -> None:
    request = pending(chat)
    say(request, "a", "b", "c", "d", end="done")

    async def act(client: AsyncClient) -> tuple[list[Event], list[Event]]:
        url = f"/dialogues/{chat.pk}/stream/?r={request.pk}@0"
        first = await events(await client.get(url))
        again = await events(await client.get(url, headers={"Last-Event-ID": first[1][0]}))
        return first, again

    first, again = run(act, alice)
    assert [data.get("t") for _, data in first] == ["a", "b", "c", "d", None]
    assert [data.get("t") for _, data in again] == ["c", "d", None]


def test_several_texts_share_one_connection(chat: Dialogue, alice: User) -> None:
    other = dialogues.start_dialogue(project=chat.project, author=alice, kind="demonstration")
    turns.add_turn(dialogue=other, role="user", text="q")
    one, two = [request_suggestions(dialogue=other, role="assistant", n=1)[0] for _ in range(2)]
    turns.save_composer(dialogue=other, composer={"requests": [str(one.pk), str(two.pk)]})
    say(one, "left", end="done")
    say(two, "right", end="done")

    async def act(client: AsyncClient) -> list[Event]:
        return await events(await client.get(f"/dialogues/{other.pk}/stream/?r={one.pk}@0&r={two.pk}@0"))

    found = run(act, alice)
    texts = {data["r"]: data["t"] for _, data in found if "t" in data}
    assert texts == {str(one.pk): "left", str(two.pk): "right"}


def test_a_text_that_redis_has_lost_comes_from_the_row(
    chat: Dialogue, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endings, "EVERY", 0.05)
    makers.answer(pending(chat), "Kept in the row.")

    async def act(client: AsyncClient) -> list[Event]:
        return await events(await client.get(f"/dialogues/{chat.pk}/stream/?r={pending(chat).pk}@0"))

    found = run(act, alice)
    assert next(data["t"] for _, data in found if "t" in data) == "Kept in the row."


def test_another_dialogues_request_cannot_be_followed(chat: Dialogue, alice: User, project: Project, bob: User) -> None:
    theirs = dialogues.start_dialogue(project=project, author=bob, kind="chat")
    foreign = chats.send_message(dialogue=theirs, text="A question.")
    say(foreign, "secret", end="done")
    say(pending(chat), "own", end="done")

    async def act(client: AsyncClient) -> tuple[list[int], list[Event], list[str | None]]:
        refused = [
            (await client.get(f"/dialogues/{theirs.pk}/stream/?r={foreign.pk}@0")).status_code,
            (await client.get(f"/dialogues/{chat.pk}/stream/?r=nonsense")).status_code,
        ]
        alone = await events(await client.get(f"/dialogues/{chat.pk}/stream/?r={foreign.pk}@0"))
        beside = await events(await client.get(f"/dialogues/{chat.pk}/stream/?r={pending(chat).pk}@0&r={foreign.pk}@0"))
        return refused, alone, [data.get("t") for _, data in beside]

    assert run(act, alice) == ([404, 404], [], ["own", None])


def test_a_reply_that_became_a_turn_meanwhile_ends_the_stream_of_who_comes_late(chat: Dialogue, alice: User) -> None:
    """A second tab, or a browser that was offline: told at once to show the turn, never left waiting."""
    request = pending(chat)
    makers.answer(request, "Settled elsewhere.")
    assert chats.store_reply(dialogue=chat) is not None

    async def act(client: AsyncClient) -> str:
        return (await whole(await client.get(f"/dialogues/{chat.pk}/stream/?r={request.pk}@0"))).decode()

    assert run(act, alice).endswith("event: done\ndata: {}\n\n")


def test_an_open_stream_holds_no_database_connection_and_says_that_it_lives(
    chat: Dialogue, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view, "HEARTBEAT", 0.05)

    def others() -> int:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
                " AND backend_type = 'client backend'"
            )
            [(count,)] = cursor.fetchall()
            return int(count)

    async def act(client: AsyncClient) -> tuple[list[bytes], int]:
        response = await client.get(f"/dialogues/{chat.pk}/stream/?r={pending(chat).pk}@0")
        assert isinstance(response, StreamingHttpResponse)
        stream = response.streaming_content
        assert isinstance(stream, AsyncGenerator)
        seen = [await anext(stream), await anext(stream)]
        held = await asyncio.to_thread(counted)
        await stream.aclose()
        return seen, held

    def counted() -> int:
        try:
            return others()
        finally:
            connection.close()

    before = others()
    seen, held = run(act, alice)
    assert seen[0].startswith(b"retry")
    assert seen[1].startswith(b":")
    assert held <= before + 1  # the test's own connection in the other thread sees this one
