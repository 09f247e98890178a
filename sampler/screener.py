"""Threads of a worker beside the decoding loop that ask the content filters, while texts are written and at their end.

Each project has a line of its own, so that a slow filter keeps nobody waiting but those who chose it. Where the project
blocks, a piece of a text is published only after the verdict on the window that ends with it; a slow filter is asked
about all pieces that came meanwhile at once, and about the message together with the first of them. A text is stored
only after the verdict on all of it. Requests of projects without filters never come here.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.utils.module_loading import import_string

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
REST = 30.0  # seconds between rounds over texts that no request of ours wrote
REREAD = 2.0  # seconds for which a project's rules are kept
AT_ONCE = 16  # texts that have ended, asked about before what is being written has its turn again


@dataclass
class Watched:
    """One try of a request: what was written so far, how much of it was shown, what was said of it."""

    job_id: UUID
    held: Held
    texts: dict[int, str] = field(default_factory=dict)
    shown: dict[int, int] = field(default_factory=dict)
    blocked: dict[int, Findings] = field(default_factory=dict)
    message: Findings | None = None  # None: nobody was asked about it yet
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


class Screener:
    """The lines of all projects, and the thread that asks about stored texts: again where they wait for a filter, and
    for the first time where the filter loads a model, which no other process does."""

    def __init__(self, publisher: TokenPublisher) -> None:
        self.publisher = publisher
        self._lines: dict[UUID, Line] = {}
        self._closed = threading.Event()
        self._again = threading.Thread(target=self._ask_again, name="asks filters again", daemon=True)
        self._again.start()

    def put(self, item: Piece | End) -> None:
        """Called by the decoding thread alone."""
        project = screened.project_of(item.held.screening)
        if project not in self._lines:
            self._lines[project] = Line(project, self.publisher)
        self._lines[project].put(item)

    def close(self, *, within: float) -> None:
        self._closed.set()
        until = time.monotonic() + within
        for line in self._lines.values():
            line.put(None)
        for line in self._lines.values():
            line.close(within=max(0.0, until - time.monotonic()))
        self._again.join(max(0.0, until - time.monotonic()))

    def _ask_again(self) -> None:
        rest_at = time.monotonic() + REST
        while not self._closed.wait(AGAIN):
            try:
                screened.ask_again()
                if time.monotonic() >= rest_at:
                    rest_at = time.monotonic() + REST
                    import_string(settings.SAMPLER_SCREENS)()
            except LOST_CONNECTION:
                pass
            except Exception:
                logger.exception("texts that wait for a filter could not be asked about")
            finally:
                connection.close()


class Line:
    """What one project's requests write in this worker, in the order in which it came."""

    def __init__(self, project: UUID, publisher: TokenPublisher) -> None:
        self.project, self.publisher = project, publisher
        self.give_up = threading.Event()
        self._queue: queue.Queue[Piece | End | None] = queue.Queue()
        self._watched: dict[UUID, Watched] = {}
        self._ends: list[End] = []
        self._rules: tuple[float, Plan] | None = None
        self._thread = threading.Thread(target=self._run, name=f"screener {project}", daemon=True)
        self._thread.start()

    def put(self, item: Piece | End | None) -> None:
        self._queue.put(item)

    def close(self, *, within: float) -> None:
        self._thread.join(within)
        self.give_up.set()

    def _run(self) -> None:
        closing = False
        try:
            while not (closing and not self._ends):
                items = self._next()
                closing = closing or None in items
                self._take([item for item in items if item is not None])
                self._finish()
        finally:
            connection.close()

    def _next(self) -> list[Piece | End | None]:
        """All that waits; where texts have ended, nothing is waited for."""
        items = [] if self._ends else [self._queue.get()]
        while not self._queue.empty():
            items.append(self._queue.get())
        return items

    def _take(self, items: Sequence[Piece | End]) -> None:
        self._ends += [item for item in items if isinstance(item, End)]
        try:
            for item in items:
                if isinstance(item, Piece):
                    watched = self._watch(item)
                    watched.texts[item.index] = watched.texts.get(item.index, "") + item.text
            self._show()
        except Exception:  # what cannot be screened is not shown; its end is judged all the same
            logger.exception("live text could not be screened")

    def _watch(self, item: Piece | End) -> Watched:
        return self._watched.setdefault(item.job_id, Watched(item.job_id, item.held))

    def _plan(self) -> Plan:
        now = time.monotonic()
        if self._rules is None or now - self._rules[0] > REREAD:
            read: list[Plan] = []
            if not persistently(lambda: read.append(plan_for(self.project)), give_up=self.give_up):
                raise RuntimeError("the worker ends")
            self._rules = (now, read[0])
        return self._rules[1]

    # While texts are written

    def _show(self) -> None:
        """Publish what may be shown. Filters that block are asked once, about all of it."""
        windows = [(watched, *window) for watched in self._watched.values() for window in watched.windows()]
        if not windows:
            return
        plan = self._plan()
        if not plan.blocks:  # the message has its verdict at the end, as the answer
            self.publisher.put([self._entry(watched, index) for watched, index, _ in windows])
            return
        said = self._ask(plan, [watched for watched, _, _ in windows], [text for _, _, text in windows])
        entries: list[Entry] = []
        for (watched, index, _), findings in zip(windows, said, strict=True):
            if watched.stopped:
                continue
            if blocked_by(findings):
                watched.blocked[index] = findings
                if watched.held.params.n == 1 and not screened.goes_on(watched.held.screening):
                    watched.held.model.engine.cancel(watched.job_id)
            elif missing(plan, findings):
                watched.stopped = True  # in full at its end, when the filter may be back
            else:
                entries.append(self._entry(watched, index))
        self.publisher.put(entries)

    def _entry(self, watched: Watched, index: int) -> Entry:
        text, at = watched.texts[index], watched.shown.get(index, 0)
        watched.shown[index] = len(text)
        return watched.held.request_id, {"i": index, "t": text[at:]}

    def _ask(self, plan: Plan, of: Sequence[Watched], texts: Sequence[str]) -> list[Findings]:
        """What the filters say of the texts; the slow ones, in the same question, also of the messages that they
        answer and that nobody was asked about yet."""
        slow, fast = plan.that_are(fast=False), plan.that_are(fast=True)
        new = list({one.job_id: one for one in of if one.message is None}.values())
        asked = [one for one in new if slow.rules and screened.turn_of(one.held.screening)]
        said = ask(slow, [*(one.held.message for one in asked), *texts])
        for one in new:
            one.message = NOTHING
        for one, findings in zip(asked, said, strict=False):
            self._keep_message(slow, one, findings)
        return [mine + others for mine, others in zip(ask(fast, texts), said[len(asked) :], strict=True)]

    def _keep_message(self, slow: Plan, watched: Watched, findings: Findings) -> None:
        watched.message = findings
        turn = screened.turn_of(watched.held.screening)
        assert turn is not None
        persistently(lambda: verdicts.record(slow, Target.TURN, {turn: findings}), give_up=self.give_up)
        if blocked_by(findings) and not screened.goes_on(watched.held.screening):
            watched.stopped = True
            watched.held.model.engine.cancel(watched.job_id)
        elif missing(slow, findings):
            watched.stopped = True

    # Once they have ended

    def _finish(self) -> None:
        batch = self._next_ends()
        try:
            found = self._judge([end for end in batch if isinstance(end.event, Ended)])
        except Exception:
            logger.exception("texts could not be screened")
            found = {}
        for end in batch:
            end.then(found.get(end.job_id))
            self._watched.pop(end.job_id, None)

    def _next_ends(self) -> list[End]:
        """Those that somebody waits for first, up to AT_ONCE texts; the others after the next look at live text."""
        self._ends.sort(key=lambda end: not end.held.live)
        taken, texts = 0, 0
        while taken < len(self._ends) and (taken == 0 or texts < AT_ONCE):
            texts += self._ends[taken].held.params.n
            taken += 1
        batch, self._ends = self._ends[:taken], self._ends[taken:]
        return batch

    def _judge(self, ends: Sequence[End]) -> dict[UUID, Screened]:
        if not ends:
            return {}
        plan = self._plan()
        drawn = {end.job_id: end.event.drawn if isinstance(end.event, Ended) else () for end in ends}
        texts = [f"{d.reasoning}\n\n{d.text}" if d.reasoning else d.text for end in ends for d in drawn[end.job_id]]
        said = iter(self._ask(plan, [self._watch(end) for end in ends], texts))
        found: dict[UUID, Screened] = {}
        for end in ends:
            watched = self._watch(end)
            of_texts = {one.index: next(said) for one in drawn[end.job_id]}
            for index, findings in watched.blocked.items():
                if index in of_texts and not blocked_by(of_texts[index]):
                    of_texts[index] = findings
            found[end.job_id] = Screened(plan, of_texts, watched.message or NOTHING)
        return found
