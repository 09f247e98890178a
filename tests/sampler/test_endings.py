"""How followers of live text learn from the row that it is over: one look for all of them."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest
from pytest_django import Settings

from sampler import claims, endings, results, streams
from sampler.params import Drawn
from tests.sampler.conftest import ask, make_version

pytestmark = pytest.mark.django_db(transaction=True)


async def text_of(request_id: UUID) -> list[streams.Fields]:
    return [fields async for _, fields in streams.follow(request_id)]


def test_many_quiet_followers_cost_one_look_and_each_gets_its_own_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    version = make_version()
    requests = [ask(version, f"Question {number}") for number in range(30)]
    for number, row in enumerate(claims.claim(worker="w", model_version_ids=[version.pk], room=1000)):
        drawn = [Drawn(index=0, text=f"Text {number}", finish_reason="stop")]
        assert results.complete(request_id=row.pk, attempt=row.attempts, result=results.Result(drawn))
    looked: list[int] = []
    ended = endings.ended

    def counted(request_ids: list[str]) -> dict[str, endings.Ended]:
        looked.append(len(request_ids))
        monkeypatch.setattr(endings, "EVERY", 600.0)  # there is no second one
        return ended(request_ids)

    monkeypatch.setattr(endings, "EVERY", 0.2)
    monkeypatch.setattr(endings, "ended", counted)

    async def all_of_them() -> list[list[streams.Fields]]:
        return await asyncio.wait_for(asyncio.gather(*(text_of(request.pk) for request in requests)), 60)

    found = asyncio.run(all_of_them())
    assert looked == [30]
    for request, fields in zip(requests, found, strict=True):
        assert fields == [{"reset": 1}, {"i": 0, "t": request.completions.get().text}, {"end": "done"}]


def test_a_request_whose_row_is_gone_has_failed_and_one_that_runs_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(endings, "EVERY", 0.05)
    version = make_version()
    gone, waiting = ask(version), ask(version)
    gone_id = gone.pk
    gone.delete()
    assert asyncio.run(text_of(gone_id)) == [{"reset": 1}, {"end": "failed"}]

    async def for_a_while() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(text_of(waiting.pk), 0.4)

    asyncio.run(for_a_while())


def test_a_redis_that_is_away_keeps_nobody_from_the_stored_text(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setattr(endings, "EVERY", 0.05)
    version = make_version()
    request = ask(version)
    (row,) = claims.claim(worker="w", model_version_ids=[version.pk], room=1)
    drawn = [Drawn(index=0, text="Stored.", finish_reason="stop")]
    assert results.complete(request_id=row.pk, attempt=row.attempts, result=results.Result(drawn))
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    assert {"i": 0, "t": "Stored."} in asyncio.run(text_of(request.pk))
