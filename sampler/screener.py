"""A worker's thread beside the decoding loop that asks the content filters, while texts are written and at their end.

Where the project blocks, a piece of a text is published only after the verdict on the window that ends with it; a
slow filter is asked about all pieces that came meanwhile at once. A text is stored only after the verdict on all of
it. Requests of projects without filters never come here.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db import connection

from sampler import screened
from sampler.engines.base import Ended
from sampler.held import Held
from sampler.output import LOST_CONNECTION, Entry, TokenPublisher, persistently
from sampler.screened import Screened
from screening import verdicts
from screening.asking import NOTHING, Findings, ask, blocked_by, missing
from screening.rules import Plan, plan_for
from screening.verdicts import Target

logger = logging.getLogger(__name__)
OVERLAP = 400  # characters before a window that are read with it
AGAIN = 5.0  # seconds between questions about texts that wait for a filter
REREAD = 2.0  # seconds for which a project's rules are kept


@dataclass
class Watched:
    """One try of a request: what was written so far, how much of it was shown, what was said of it."""

    job_id: UUID
    held: Held
    plan: Plan
    texts: dict[int, str] = field(default_factory=dict)
    shown: dict[int, int] = field(default_factory=dict)
    blocked: dict[int, Findings] = field(default_factory=dict)
    message: Findings = NOTHING
    stopped: bool = False  # nothing of it is shown any more

    def windows(self) -> list[tuple[int, str]]:
        """(index, text) of what is new and would be shown next, with what stands before it."""
        new = [index for index, text in self.texts.items() if len(text) > self.shown.get(index, 0)]
        open_ = [index for index in new if index not in self.blocked and not self.stopped]
        return [(index, self.texts[index][max(0, self.shown.get(index, 0) - OVERLAP) :]) for index in open_]


@dataclass(frozen=True)
class Piece:
    job_id: UUID
    held: Held
    index: int
    text: str


@dataclass(frozen=True)
class End:
    job_id: UUID
    held: Held
    event: object
    then: Callable[[Screened | None], None]


Item = Piece | End | None


class Screener:
    def __init__(self, publisher: TokenPublisher) -> None:
        self.publisher = publisher
        self.give_up = threading.Event()
        self._queue: queue.Queue[Item] = queue.Queue()
        self._watched: dict[UUID, Watched] = {}
        self._plans: dict[UUID, tuple[float, Plan]] = {}
        self._asked_again = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="screener", daemon=True)
        self._thread.start()

    def put(self, item: Piece | End) -> None:
        self._queue.put(item)

    def close(self, *, within: float) -> None:
        self._queue.put(None)
        self._thread.join(within)
        self.give_up.set()

    def _run(self) -> None:
        try:
            while True:
                items = self._next()
                work = [item for item in items if item is not None]
                if work:
                    self._take(work)
                if len(work) < len(items):
                    return
                self._again()
        finally:
            connection.close()

    def _next(self) -> list[Item]:
        """All that waits; nothing, where nothing came for a while."""
        try:
            items = [self._queue.get(timeout=AGAIN)]
        except queue.Empty:
            return []
        while not self._queue.empty():
            items.append(self._queue.get())
        return items

    def _again(self) -> None:
        if time.monotonic() - self._asked_again < AGAIN:
            return
        self._asked_again = time.monotonic()
        try:
            screened.ask_again()
        except LOST_CONNECTION:
            connection.close()
        except Exception:
            logger.exception("texts that wait for a filter could not be asked about")

    def _take(self, items: Sequence[Piece | End]) -> None:
        try:
            for item in items:
                if isinstance(item, Piece):
                    watched = self._watch(item)
                    watched.texts[item.index] = watched.texts.get(item.index, "") + item.text
            self._show(list(self._watched.values()))
        except Exception:  # what cannot be screened is not shown; its end is judged all the same
            logger.exception("live text could not be screened")
        ends = [item for item in items if isinstance(item, End)]
        for end in ends:
            try:
                found = self._whole(end)
            except Exception:
                logger.exception("a text could not be screened")
                found = None
            end.then(found)
            self._watched.pop(end.job_id, None)

    def _watch(self, item: Piece | End) -> Watched:
        watched = self._watched.get(item.job_id)
        if watched is None:
            watched = Watched(item.job_id, item.held, self._plan(screened.project_of(item.held.screening)))
            self._watched[item.job_id] = watched
            self._screen_message(watched)
        return watched

    def _plan(self, project: UUID) -> Plan:
        now = time.monotonic()
        at, plan = self._plans.get(project, (0.0, None))
        if plan is None or now - at > REREAD:
            read: list[Plan] = []
            if not persistently(lambda: read.append(plan_for(project)), give_up=self.give_up):
                raise RuntimeError("the worker ends")
            plan = read[0]
            self._plans[project] = (now, plan)
        return plan

    def _screen_message(self, watched: Watched) -> None:
        """The slow filters' word on the message, before anything of the answer is shown."""
        turn = screened.turn_of(watched.held.screening)
        slow = watched.plan.that_are(fast=False)
        if turn is None or not slow.rules:
            return
        (watched.message,) = ask(slow, [watched.held.message])
        persistently(lambda: verdicts.record(slow, Target.TURN, {turn: watched.message}), give_up=self.give_up)
        if blocked_by(watched.message):
            watched.stopped = True
            watched.held.model.engine.cancel(watched.job_id)
        elif missing(slow, watched.message):
            watched.stopped = True

    def _show(self, all_watched: Sequence[Watched]) -> None:
        """Publish what may be shown; filters are asked once for each project."""
        for plan in {one.plan.project: one.plan for one in all_watched}.values():
            mine = [one for one in all_watched if one.plan.project == plan.project]
            windows = [(watched, index, text) for watched in mine for index, text in watched.windows()]
            said = ask(plan, [text for _, _, text in windows]) if plan.blocks else [NOTHING] * len(windows)
            entries: list[Entry] = []
            for (watched, index, _), findings in zip(windows, said, strict=True):
                if blocked_by(findings):
                    watched.blocked[index] = findings
                    if watched.held.params.n == 1:
                        watched.held.model.engine.cancel(watched.job_id)
                elif plan.blocks and missing(plan, findings):
                    watched.stopped = True  # in full at its end, when the filter may be back
                else:
                    entries.append(self._entry(watched, index))
            self.publisher.put(entries)

    def _entry(self, watched: Watched, index: int) -> Entry:
        text, at = watched.texts[index], watched.shown.get(index, 0)
        watched.shown[index] = len(text)
        return watched.held.request_id, {"i": index, "t": text[at:]}

    def _whole(self, end: End) -> Screened | None:
        if not isinstance(end.event, Ended):
            return None
        watched = self._watch(end)
        drawn = end.event.drawn
        said = ask(watched.plan, [f"{d.reasoning}\n\n{d.text}" if d.reasoning else d.text for d in drawn])
        found = {one.index: findings for one, findings in zip(drawn, said, strict=True)}
        for index, findings in watched.blocked.items():
            if index in found and not blocked_by(found[index]):
                found[index] = findings
        return Screened(watched.plan, found, watched.message)
