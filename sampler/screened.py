"""What the filters said of a request's texts, stored with them; texts that wait for a filter are asked about again.

The threads of a worker that ask filters while texts are written: `sampler/screener.py`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from common.shapes import JsonObject
from sampler.models import Completion, SampleRequest
from screening import verdicts
from screening.asking import NOTHING, Findings, ask
from screening.rules import Plan, plan_for
from screening.verdicts import BLOCKED, OPEN, WAITING, Target


@dataclass(frozen=True)
class Screened:
    """What was said of each text by its index, and of the message that they answer, under which plan."""

    plan: Plan
    texts: Mapping[int, Findings] = field(default_factory=dict)
    message: Findings = NOTHING


def project_of(screening: JsonObject) -> UUID:
    return UUID(str(screening["project"]))


def turn_of(screening: JsonObject) -> UUID | None:
    """The turn that the last message is, where it is screened while the reply is written."""
    turn = screening.get("turn")
    return UUID(str(turn)) if turn else None


def goes_on(screening: JsonObject) -> bool:
    """Whether a text is written to its end although a filter blocks it: its reader has asked for it."""
    return bool(screening.get("goes_on"))


def store(screening: JsonObject, made: Sequence[Completion], found: Screened | None) -> None:
    """The texts as rows, with their verdicts, in the transaction of the caller."""
    if found is None:  # a worker that does not screen, or a stop before its word: the fast ones need no worker
        plan = plan_for(project_of(screening))
        said = ask(plan.that_are(fast=True), [row.screened_text for row in made])
        found = Screened(plan, {row.index: one for row, one in zip(made, said, strict=True)})
        turn = turn_of(screening)
        of_message = verdicts.standing_on_record(plan, turn) if turn else OPEN
    else:
        of_message = verdicts.standing(found.plan, found.message) if found.message else OPEN
    for row in made:
        row.withheld = stricter(of_message, verdicts.standing(found.plan, found.texts.get(row.index, NOTHING)))
    Completion.objects.bulk_create(made)
    verdicts.record(found.plan, Target.COMPLETION, {row.pk: found.texts.get(row.index, NOTHING) for row in made})


def stricter(*standings: str) -> str:
    return BLOCKED if BLOCKED in standings else WAITING if WAITING in standings else OPEN


def ask_again(*, limit: int = 64) -> int:
    """Ask about stored texts that wait for a filter; return how many wait no longer."""
    rows = Completion.objects.filter(withheld=WAITING, request__isnull=False).select_related("request")
    by_project: dict[UUID, list[Completion]] = defaultdict(list)
    for row in rows.order_by("created_at")[:limit]:
        if row.request is not None and row.request.screening:
            by_project[project_of(row.request.screening)].append(row)
    return sum(_ask_again(plan_for(project), waiting) for project, waiting in by_project.items())


def _ask_again(plan: Plan, waiting: Sequence[Completion]) -> int:
    said = ask(plan, [row.screened_text for row in waiting])
    verdicts.record(plan, Target.COMPLETION, {row.pk: one for row, one in zip(waiting, said, strict=True)})
    messages = {row.request_id: _message_again(plan, row.request) for row in waiting if row.request is not None}
    released = 0
    for row, one in zip(waiting, said, strict=True):
        now = stricter(messages.get(row.request_id, OPEN), verdicts.standing(plan, one))
        if now != WAITING:
            released += Completion.objects.filter(pk=row.pk, withheld=WAITING).update(withheld=now)
    return released


def _message_again(plan: Plan, request: SampleRequest) -> str:
    turn = turn_of(request.screening)
    if turn is None:
        return OPEN
    (said,) = ask(plan, [last_message(request.prompt)])
    verdicts.record(plan, Target.TURN, {turn: said})
    return verdicts.standing(plan, said)


def last_message(prompt: Sequence[Mapping[str, object]]) -> str:
    return str(prompt[-1]["content"]) if prompt else ""
