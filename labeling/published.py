"""What a project had published to its people at an instant, for an export's snapshot: guidelines, terms with how many
accepted them, the rule of a red-team chat with what its trainer says of it. SQL, since a snapshot is read over a
connection of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

_CREATED = """to_char({row}created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""


class Published(TypedDict):
    """A version, as the manifest lists it."""

    number: int
    created_at: str
    note: str
    text: str


class Terms(Published):
    accepted: int  # by so many people, without those who have withdrawn since


def version(row: Mapping[str, object]) -> Published:
    """A row of `GUIDELINES` without its id."""
    return {
        "number": int(str(row["number"])), "created_at": str(row["created_at"]), "note": str(row["note"]),
        "text": str(row["text"]),
    }  # fmt: skip


GUIDELINES = f"""
    SELECT json_build_object('id', id, 'number', number, 'created_at', {_CREATED.format(row="")}, 'note', note,
        'text', text)::text
    FROM labeling_guidelineversion WHERE project_id = %(project)s AND created_at <= %(cutoff)s ORDER BY number
"""
TERMS = f"""
    SELECT json_build_object('number', t.number, 'created_at', {_CREATED.format(row="t.")}, 'note', t.note,
        'text', t.text, 'accepted', (
            SELECT count(*) FROM labeling_termsacceptance a
            WHERE a.version_id = t.id AND a.accepted_at <= %(cutoff)s AND NOT EXISTS (
                SELECT FROM labeling_membership m WHERE m.project_id = t.project_id AND m.user_id = a.user_id
                    AND m.withdrawn_at >= a.accepted_at)))::text
    FROM labeling_termsversion t WHERE t.project_id = %(project)s AND t.created_at <= %(cutoff)s ORDER BY t.number
"""
# Of a red-team chat `d` that was handed in: from then on nothing of it changes.
TRY = """
    SELECT json_build_object('rule', u.name || ' (v' || u.version || ')', 'outcome', a.outcome, 'turn', a.turn_id,
        'strategies', a.strategies, 'how', a.how, 'severity', a.severity)
    FROM labeling_redteamrule u JOIN labeling_redteamattempt a ON a.dialogue_id = d.id WHERE u.id = d.rule_id
"""
