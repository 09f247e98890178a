"""The two statements of a submission: what it rests on, locked; and what is stored of it.

Written by hand, because every task ends with them: the ORM takes seven statements for the same. What may be submitted
and what follows from it is decided in `labeling/rankings.py`.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import cast

import orjson
from django.db import connection

from common import prepared
from common.held import Held
from common.prepared import Prepared
from labeling.models import Assignment, Comparison, Project, Ranking

# The comparison is locked before the assignment; both are given as they stand once both locks are held. The membership
# tells who may submit now, and how far the trainer's labels are trusted.
LOCK = """
SELECT c.id, c.project_id, c.kind, c.state, c.votes_wanted, c.extra_votes,
    a.trainer_id, a.kind, a.slot, a.state, a.guideline_version_id, a.order_shown, a.draft_version, a.seconds,
    a.created_at, m.label_weight, m.id IS NOT NULL AND m.ended_at IS NULL
FROM labeling_comparison c JOIN labeling_assignment a ON a.comparison_id = c.id
LEFT JOIN labeling_membership m ON m.project_id = c.project_id AND m.user_id = a.trainer_id
WHERE a.id = %(assignment)s
FOR UPDATE OF c, a
"""
COMPARISON = ("id", "project_id", "kind", "state", "votes_wanted", "extra_votes")
ASSIGNMENT = (
    "id", "comparison_id", "trainer_id", "kind", "slot", "state", "guideline_version_id", "order_shown",
    "draft_version", "seconds", "created_at",
)  # fmt: skip
# In one statement, since the comparison's lock is held before it begins: so it sees every other vote. It closes the
# comparison with its last vote, unless more may be asked for, which only Python can tell.
STORE = """
WITH ended AS (
    UPDATE labeling_assignment SET state = 'submitted', ended_at = %(submitted_at)s, kind = %(kind)s, slot = %(slot)s
    WHERE id = %(assignment_id)s AND state IN ('leased', 'expired') RETURNING id),
stored AS (INSERT INTO labeling_ranking ({columns}) SELECT {values} FROM ended RETURNING id, kind),
others AS (
    SELECT r.id, r.groups, r.ratings FROM labeling_ranking r
    WHERE r.comparison_id = %(comparison_id)s AND r.kind = 'vote' AND r.undone_at IS NULL
        AND NOT EXISTS (SELECT FROM labeling_ranking newer WHERE newer.supersedes_id = r.id)),
closed AS (
    UPDATE labeling_comparison SET state = 'closed', closed_at = %(submitted_at)s
    WHERE id = %(comparison_id)s AND state = 'open' AND %(may_close)s AND EXISTS (SELECT FROM stored)
        AND votes_wanted <= (SELECT count(*) FROM others) + (SELECT count(*) FROM stored WHERE kind = 'vote')
    RETURNING id)
SELECT 'other', id, groups, ratings FROM others
UNION ALL SELECT 'stored', id, NULL, NULL FROM stored UNION ALL SELECT 'closed', id, NULL, NULL FROM closed
"""
FIELDS = {field.attname: str(field.db_type(connection)) for field in Ranking._meta.concrete_fields}
JSON = frozenset(name for name, kind in FIELDS.items() if kind == "jsonb")
Row = tuple[str, uuid.UUID, str, str]
lock_task = Prepared("lock_task", LOCK, {"assignment": "uuid"})
store_ranking = Prepared(
    "store_ranking",
    STORE.format(
        columns=", ".join(f'"{column}"' for column in FIELDS), values=", ".join(f"%({column})s" for column in FIELDS)
    ),
    {**FIELDS, "slot": "smallint", "may_close": "boolean"},
)
_projects = Held[uuid.UUID, Project](lambda pk: Project.objects.filter(pk=pk).first())


@dataclass(frozen=True)
class Locked:
    """An assignment and its comparison under lock; columns that a submission does not ask for are read on demand."""

    assignment: Assignment
    comparison: Comparison
    label_weight: float | None
    is_member: bool


def lock(pk: uuid.UUID, project: Project | None = None) -> Locked | None:
    """Lock the assignment's comparison and it; None where there is none. `project` as the caller has read it, else as
    it was at most a second ago."""
    rows = prepared.run([lock_task], {"assignment": pk})
    if not rows:
        return None
    (row,) = rows
    comparison = Comparison.from_db(connection.alias, COMPARISON, row[:6])
    trainer_id, kind, slot, state, guidelines, order, *others = row[6:15]
    values = [pk, comparison.pk, trainer_id, kind, slot, state, guidelines, orjson.loads(str(order)), *others]
    assignment = Assignment.from_db(connection.alias, ASSIGNMENT, values)
    found = project or _projects.get(comparison.project_id)
    assert found is not None  # the comparison's row is locked, and belongs to it
    comparison.project, assignment.comparison = found, comparison
    return Locked(assignment, comparison, cast("float | None", row[15]), bool(row[16]))


def store(ranking: Ranking, *, slot: int | None, may_close: bool) -> list[Ranking] | None:
    """End the lease and store the ranking; every vote in force on its comparison then, this one too. None where the
    lease had ended: nothing was written. With `may_close`, the last vote closes the comparison."""
    columns = {name: getattr(ranking, name) for name in FIELDS}
    written = {
        name: orjson.dumps(value).decode() if name in JSON and value is not None else value
        for name, value in columns.items()
    }
    rows = cast("list[Row]", prepared.run([store_ranking], {**written, "slot": slot, "may_close": may_close}))
    found = {what for what, *_ in rows}
    if "stored" not in found:
        return None
    ranking._state.adding, ranking._state.db = False, connection.alias
    if (ended := ranking.assignment) is not None:
        ended.state, ended.ended_at = Assignment.State.SUBMITTED, ranking.submitted_at
        ended.kind, ended.slot = ranking.kind, slot
    if "closed" in found:
        ranking.comparison.state, ranking.comparison.closed_at = Comparison.State.CLOSED, ranking.submitted_at
    votes = [_vote(ranking.comparison_id, *row[1:]) for row in rows if row[0] == "other"]
    return [*votes, ranking] if ranking.kind == Ranking.Kind.VOTE else votes


def _vote(comparison_id: uuid.UUID, pk: uuid.UUID, groups: str, ratings: str) -> Ranking:
    values = [pk, comparison_id, orjson.loads(groups), orjson.loads(ratings)]
    return Ranking.from_db(connection.alias, ["id", "comparison_id", "groups", "ratings"], values)
