"""Giving a trainer the next comparison that wants their vote: chosen, locked, counted and leased in one statement.

Written by hand, because every task begins with it: as five statements of the ORM, with a savepoint around two of them,
it took six times as long. It is sent behind the lock on the trainer's membership, and outside a transaction nothing
else is: so who lost a vote to another holds no lock while it tries again. `tests/labeling/test_claiming.py` holds its
plan: it walks an index from the oldest open comparison on, and looks at each by an index, so that it costs the same
whatever waits.

What makes it safe: a statement sees the votes as they were when it began, so of two that choose one comparison at the
same time the second may take a slot that the first has just taken. It waits for nothing and counts nothing again: the
unique constraint on (comparison, slot) refuses its row, and it is tried anew.
"""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, cast

import orjson
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext_noop

from common import prepared
from common.prepared import Prepared
from labeling import randomness, votes
from labeling.errors import Invalid
from labeling.models import Assignment, Comparison, GuidelineVersion, Membership, Project
from labeling.models.comparisons import MOST_COMPLETIONS
from labeling.offering import NOTHING, Avoided

if TYPE_CHECKING:
    from accounts.models import User

TRIES = 20
PAUSE = 0.02  # seconds; only where all that wants a vote is locked by others
ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)  # before everything that was opened
KEPT = 60.0  # seconds
MOST_KEPT = 50_000
# Read behind the lock on the membership, which who opts out takes as well: so nobody is given what they just refused.
ALLOWED = "NOT c.harms && (SELECT u.opted_out_of FROM accounts_user u WHERE u.id = %(trainer)s)"
NORMAL = f"c.only_for_id IS NULL AND {ALLOWED}"
HIDDEN = f"c.only_for_id = %(trainer)s AND c.kind = %(kind)s AND {ALLOWED}"
HARMLESS = "c.harms = '{}'"
NOT_OWN = "(c.author_id IS NULL OR c.author_id <> %(trainer)s)"
# A scalar subquery is asked row by row, by an index. As EXISTS it may become a join with all that this trainer ever
# had, or with all votes of the project. PostgreSQL takes a third of all rows for less than one, and none for nothing
# (IS NULL): then it sorts all that is open, since the first of none is the last of all.
LOCK = """
SELECT id FROM labeling_membership
WHERE project_id = %(project)s AND user_id = %(trainer)s AND ended_at IS NULL AND role IN ({rankers}) FOR UPDATE
"""
STATEMENT = """
WITH member AS (
    SELECT id FROM labeling_membership
    WHERE project_id = %(project)s AND user_id = %(trainer)s AND ended_at IS NULL AND role IN ({rankers})),
begun AS (
    SELECT a.id FROM labeling_assignment a JOIN labeling_comparison c ON c.id = a.comparison_id
    WHERE %(look)s AND a.trainer_id = %(trainer)s AND a.state IN ('leased', 'expired') AND c.project_id = %(project)s
        AND (a.state = 'leased' AND a.kind = 'vote' OR a.state = 'expired' AND c.state = 'open' AND a.draft <> '{{}}')
    LIMIT 1),
wanted AS (
    SELECT c.id, c.kind, c.state, c.prompt, c.votes_wanted, c.extra_votes
    FROM labeling_comparison c
    WHERE c.project_id = %(project)s AND c.state = 'open' AND c.opened_at >= %(since)s AND {whose}
      AND EXISTS (SELECT FROM member) AND NOT EXISTS (SELECT FROM begun)
      AND (SELECT count(*) FROM labeling_assignment a
           WHERE a.comparison_id = c.id AND a.trainer_id = %(trainer)s) < 1
      AND (SELECT count(*) FROM labeling_assignment a WHERE a.comparison_id = c.id
           AND a.slot IS NOT NULL AND a.state IN ('leased', 'submitted')) < c.votes_wanted
    ORDER BY c.opened_at, c.id LIMIT 1
    FOR UPDATE OF c SKIP LOCKED),
answers AS (
    SELECT coalesce(array_agg(k.completion_id ORDER BY k.index), '{{}}') AS ids,
        json_agg(json_build_array(k.completion_id, t.text, t.finish_reason, t.reasoning) ORDER BY k.index) AS texts
    FROM wanted JOIN labeling_candidate k ON k.comparison_id = wanted.id
    JOIN sampler_completion t ON t.id = k.completion_id),
guidelines AS (
    SELECT id, number FROM labeling_guidelineversion WHERE project_id = %(project)s ORDER BY number DESC LIMIT 1),
given AS (
    INSERT INTO labeling_assignment (id, comparison_id, trainer_id, kind, slot, state, guideline_version_id,
        order_shown, order_seed, draft, draft_version, seconds, skip_reason, created_at, heartbeat_at, expires_at)
    SELECT %(id)s, wanted.id, %(trainer)s, 'vote', free.slot, 'leased', guidelines.id,
        (SELECT coalesce(jsonb_agg(answers.ids[place::int + 1] ORDER BY n), '[]')
         FROM jsonb_array_elements_text(%(orders)s -> cardinality(answers.ids)) WITH ORDINALITY p (place, n)),
        %(seed)s, '{{}}', 0, 0, '', %(now)s, %(now)s, %(expires)s
    FROM wanted CROSS JOIN answers LEFT JOIN guidelines ON true CROSS JOIN LATERAL (
        SELECT min(slot) AS slot FROM generate_series(0, wanted.votes_wanted - 1) slot
        WHERE NOT EXISTS (SELECT FROM labeling_assignment a WHERE a.comparison_id = wanted.id AND a.slot = slot.slot
                          AND a.state IN ('leased', 'submitted'))) free
    WHERE free.slot IS NOT NULL
    ON CONFLICT DO NOTHING
    RETURNING slot, order_shown)
SELECT EXISTS (SELECT FROM member), EXISTS (SELECT FROM begun),
    wanted.id, wanted.kind, wanted.state, wanted.prompt, wanted.votes_wanted, wanted.extra_votes,
    given.slot, given.order_shown, guidelines.id, guidelines.number, answers.texts,
    CASE WHEN wanted.id IS NOT NULL THEN ({first}) END
FROM answers LEFT JOIN wanted ON true LEFT JOIN given ON true LEFT JOIN guidelines ON true
"""
# Behind it everything that is open was had by this trainer, or is their own.
FIRST = """
SELECT c.opened_at FROM labeling_comparison c
WHERE c.project_id = %(project)s AND c.state = 'open' AND c.opened_at >= %(since)s AND {whose}
  AND (SELECT count(*) FROM labeling_assignment a
       WHERE a.comparison_id = c.id AND a.trainer_id = %(trainer)s) < 1
ORDER BY c.opened_at, c.id LIMIT 1
"""
TYPES = {
    "project": "uuid", "trainer": "bigint", "kind": "text", "look": "boolean", "since": "timestamptz", "id": "uuid",
    "orders": "jsonb", "seed": "bigint", "now": "timestamptz", "expires": "timestamptz",
}  # fmt: skip
NOT_A_RANKER = gettext_noop("Your role in this project does not include ranking.")
Answers = list[tuple[str, str, str, str]]
Row = tuple[
    bool, bool,  # whether they may rank here, whether they have begun something
    uuid.UUID | None, str, str, str, int, int, int | None, str | None, uuid.UUID | None, int | None,
    Answers, datetime | None,
]  # fmt: skip


class HasBegun(Exception):
    """The trainer has a task that is not ended; nothing was leased."""


def claim(
    project: Project, trainer: User, kind: str, *, avoided: Avoided = NOTHING, beside_begun: bool = False
) -> Assignment | None:
    """A new lease on the oldest comparison of that kind which wants this trainer's vote; None where none does. Rows
    locked by others are passed over, and waited for only when nothing else is left, since a vote may yet be free.

    Whoever avoids some kinds of harm is given what has none first, which an index of its own finds: flagged ones are
    looked at one by one, and only once nothing else is left.

    Raises:
        Invalid: they may not rank here. HasBegun, where it is not said that they may have something else.
    """
    found = None
    if avoided:
        found = _claim(project, trainer, kind, HARMLESS, beside_begun=beside_begun)
    if found is None and not avoided.every:
        found = _claim(project, trainer, kind, "", beside_begun=beside_begun)
    return found


def _claim(project: Project, trainer: User, kind: str, which: str, *, beside_begun: bool) -> Assignment | None:
    for attempt in range(TRIES):
        since = begins.of(project, trainer, which) if kind == Comparison.Kind.NORMAL else ALWAYS
        lease = _Lease(project, trainer)
        row = lease.store(kind, since, which, look=not beside_begun)
        is_member, has_begun, found, slot = row[0], row[1], row[2], row[8]
        if not is_member:
            raise Invalid(NOT_A_RANKER)
        if has_begun:
            raise HasBegun
        if found is not None and kind == Comparison.Kind.NORMAL:
            begins.note(project, trainer, which, row[-1], afresh=since == ALWAYS)
        if found is not None and slot is not None:
            return lease.assignment(row)
        if found is None and since != ALWAYS:
            begins.forget(project, trainer, which)
        elif found is None:
            wanting = votes.wanting(project, trainer, kind)
            if not (wanting.filter(harms=[]) if which else wanting).exists():
                return None
            time.sleep(PAUSE * min(attempt, 5))
    return None


class Begins:
    """Where to begin to look, by project, trainer and which they may be given: in a project of many votes a trainer who
    has had the ten thousand oldest would have them looked at each time. Only a hint of this process: it is worked out
    anew every minute, since an older comparison may be opened again, and before it is said that nothing is left."""

    def __init__(self) -> None:
        self._kept: dict[tuple[uuid.UUID, int, str], tuple[datetime, float]] = {}

    def of(self, project: Project, trainer: User, which: str = "") -> datetime:
        begin, until = self._kept.get((project.pk, trainer.pk, which), (ALWAYS, 0.0))
        return begin if until > time.monotonic() else ALWAYS

    def note(self, project: Project, trainer: User, which: str, begin: datetime | None, *, afresh: bool) -> None:
        key = (project.pk, trainer.pk, which)
        until = time.monotonic() + KEPT if afresh else self._kept.get(key, (ALWAYS, 0.0))[1]
        if begin is not None:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[key] = (begin, until)

    def forget(self, project: Project, trainer: User, which: str = "") -> None:
        self._kept.pop((project.pk, trainer.pk, which), None)


begins = Begins()
NAMES = {"": "", HARMLESS: "_harmless"}
RANKERS = ", ".join(f"'{role}'" for role in Membership.RANKERS)
lock = Prepared("lock_member", LOCK.format(rankers=RANKERS), {"project": "uuid", "trainer": "bigint"})


@cache
def statement(*, hidden: bool, exclude_own: bool, which: str = "") -> Prepared:
    whose = " AND ".join(filter(None, (HIDDEN if hidden else NORMAL, which, NOT_OWN if exclude_own else "")))
    text = STATEMENT.format(rankers=RANKERS, whose=whose, first=FIRST.format(whose=whose))
    name = f"claim_{'hidden' if hidden else 'normal'}{'_of_others' if exclude_own else ''}{NAMES[which]}"
    return Prepared(name, text, TYPES)


def _orders(seed: int) -> str:
    """The order of presentation that the seed gives for each number of completions: which are there, the statement
    finds out."""
    return orjson.dumps([randomness.presentation_order(range(n), seed) for n in range(MOST_COMPLETIONS + 1)]).decode()


class _Lease:
    """One try: the columns that are known before, the statement, and the row that it stored."""

    def __init__(self, project: Project, trainer: User) -> None:
        self.project, self.trainer = project, trainer
        self.pk, self.seed, self.now = uuid.uuid4(), randomness.new_seed(), timezone.now()
        self.expires = self.now + timedelta(minutes=project.lease_minutes)

    def store(self, kind: str, since: datetime, which: str, *, look: bool) -> Row:
        """What was found, with a slot if it could be leased. The membership is locked first, in the same round trip, so
        that of two requests of one trainer the second sees what the first was given."""
        values: dict[str, prepared.Value] = {
            "project": self.project.pk, "trainer": self.trainer.pk, "kind": kind, "look": look, "since": since,
            "id": self.pk, "orders": _orders(self.seed), "seed": self.seed, "now": self.now, "expires": self.expires,
        }  # fmt: skip
        hidden = kind != Comparison.Kind.NORMAL
        found = statement(hidden=hidden, exclude_own=self.project.exclude_own_chats, which=which)
        return cast(Row, prepared.run([lock, found], values)[0])

    def assignment(self, row: Row) -> Assignment:
        """The row that was stored, with its comparison, whose other columns are read when asked for."""
        _, _, cid, kind, state, prompt, wanted, extra, slot, order, guidelines_id, number, texts, _ = row
        names = ["id", "project_id", "kind", "state", "prompt", "votes_wanted", "extra_votes"]
        values = [cid, self.project.pk, kind, state, orjson.loads(prompt), wanted, extra]
        comparison = Comparison.from_db(connection.alias, names, values)
        comparison.project = self.project
        comparison.know_answers(texts or [])
        guidelines = None
        if guidelines_id is not None:
            values = [guidelines_id, self.project.pk, number]
            guidelines = GuidelineVersion.from_db(connection.alias, ["id", "project_id", "number"], values)
        made = Assignment(
            id=self.pk, comparison=comparison, trainer=self.trainer, slot=slot, guideline_version=guidelines,
            order_shown=orjson.loads(order or "[]"), order_seed=self.seed, created_at=self.now,
            heartbeat_at=self.now, expires_at=self.expires,
        )  # fmt: skip
        made._state.adding, made._state.db = False, connection.alias
        return made
