"""Texts that a model is writing or has just written for a dialogue: the reply of a chat, suggestions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

import redis

from labeling.models import Dialogue
from labeling.pages.composer import Composer, requests_in
from sampler import status, streams
from sampler.models import Completion, SampleRequest


@dataclass(frozen=True)
class Live:
    """A text that is or was being written: `text` so far, to be followed from `after`."""

    request: SampleRequest
    index: int
    text: str
    after: str = ""
    ended: bool = True
    failed: str = ""
    completion: Completion | None = None
    withheld: str = ""  # by the content filter: "waiting" or "blocked"; then there is no text
    number: int = 0
    cover: str = ""  # under which id it is revealed; empty: it is not covered
    loading: bool = False  # nothing is written yet, and no worker has the model loaded


def reply(dialogue: Dialogue) -> Live | None:
    request = dialogue.pending_request
    return None if request is None else _live([request])[0]


def suggestions(composer: Composer) -> list[Live]:
    ids = requests_in(composer)
    rows = (
        {row.pk: row for row in SampleRequest.objects.filter(pk__in=ids).select_related("model_version")} if ids else {}
    )
    return _live([rows[pk] for pk in ids if pk in rows])


def followable(dialogue: Dialogue) -> set[str]:
    """Ids of the requests whose live text belongs to this dialogue."""
    ids = {str(pk) for pk in requests_in(dialogue.composer)}
    if dialogue.pending_request_id:
        ids.add(str(dialogue.pending_request_id))
    return ids


def _live(requests: Sequence[SampleRequest]) -> list[Live]:
    """One entry for each text; the stored rows where a request has ended, else the stream's snapshot."""
    ended = [request for request in requests if request.state in SampleRequest.ENDED]
    stored: dict[UUID, list[Completion]] = {request.pk: [] for request in ended}
    for row in Completion.objects.filter(request__in=ended).order_by("index") if ended else []:
        if row.request_id is not None:
            stored[row.request_id].append(row)
    entries: list[Live] = []
    for request in requests:
        rows = stored.get(request.pk)
        entries += _being_written(request) if rows is None else _written(request, rows)
    return [replace(entry, number=number) for number, entry in enumerate(_with_loading(entries), 1)]


def _with_loading(entries: list[Live]) -> list[Live]:
    """Of those that nobody has begun to write, whether their model is still being loaded."""
    waiting = {entry.request.model_version.slug for entry in entries if not (entry.ended or entry.text)}
    absent = status.not_loaded(waiting) if waiting else set()
    return [
        replace(entry, loading=not (entry.ended or entry.text) and entry.request.model_version.slug in absent)
        for entry in entries
    ]


def _written(request: SampleRequest, rows: Sequence[Completion]) -> list[Live]:
    failed = request.failure
    if not rows:
        return [Live(request, 0, "", failed=failed)]
    return [
        Live(request, row.index, "", failed=failed, withheld=row.withheld)
        if row.withheld
        else Live(request, row.index, row.text.strip(), failed=failed, completion=row)
        for row in rows
    ]


def _being_written(request: SampleRequest) -> list[Live]:
    try:
        texts, after, _ = streams.snapshot(request.pk)
    except redis.RedisError:
        texts, after = [], "0"  # the row still tells the end
    return [
        Live(request, index, texts[index] if index < len(texts) else "", after, ended=False)
        for index in range(request.n)
    ]
