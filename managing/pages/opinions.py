"""What people said of replies, as the page and the CSV show it. Reads only."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from common import csv_safe
from labeling.feedback import REASONS, problem_of

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from labeling.models import TurnFeedback

HEAD = (
    "given", "changed", "person", "thumb", "problem", "other reasons", "comment", "ideal answer", "reply", "chat",
)  # fmt: skip


@dataclass(frozen=True)
class Shown:
    """One person's word on one reply."""

    row: TurnFeedback
    problem: str
    reasons: list[str]  # beside the problem


def shown(row: TurnFeedback) -> Shown:
    problem = problem_of(row)
    others = [reason for reason in row.reasons if problem is None or reason != REASONS[problem]]
    return Shown(row, str(problem.label) if problem is not None else "", others)


def to_csv(rows: QuerySet[TurnFeedback]) -> str:
    """In English, as what is stored."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(HEAD)
    for row in rows.iterator(chunk_size=1_000):
        writer.writerow(csv_safe.row(_cells(row)))
    return out.getvalue()


def _cells(row: TurnFeedback) -> tuple[str, ...]:
    problem = problem_of(row)
    return (
        row.created_at.isoformat(),
        row.updated_at.isoformat(),
        str(row.user),
        str(row),
        problem.value if problem is not None else "",
        "; ".join(shown(row).reasons),
        row.comment,
        row.ideal_answer,
        row.turn.text,
        str(row.turn.dialogue_id),
    )
