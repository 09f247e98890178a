"""A trainer's own past work, for the history page. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from labeling import board
from labeling.models import Assignment, Dialogue, Ranking

if TYPE_CHECKING:
    from accounts.models import User

PAGE = 50


@dataclass(frozen=True)
class Row:
    """One piece of work; `undo_until` is None where it can no longer be taken back."""

    kind: str
    pk: UUID
    project: str
    title: str
    outcome: str
    state: str
    at: datetime
    undo_until: datetime | None = None


@dataclass(frozen=True)
class Shown:
    rows: list[Row]
    older: str  # the `before` of the next page, empty on the last


def moment(value: str | None) -> datetime:
    """A page's upper end; now, where it cannot be read."""
    try:
        parsed = parse_datetime(value or "")
    except ValueError:
        parsed = None
    return parsed if parsed is not None and timezone.is_aware(parsed) else timezone.now()


def work_of(user: User, *, before: datetime) -> Shown:
    """One page of submitted and skipped work, newest first."""
    rankings = (
        Ranking.objects.in_force()
        .filter(trainer=user, submitted_at__lt=before)
        .select_related("comparison__project")
        .only(
            "assignment_id", "order_shown", "groups", "not_rankable", "submitted_at", "comparison__prompt",
            "comparison__project__title", "comparison__project__undo_minutes",
        )
        .order_by("-submitted_at")[: PAGE + 1]
    )  # fmt: skip
    skipped = (
        Assignment.objects.of(user)
        .filter(state=Assignment.State.SKIPPED, ended_at__lt=before)
        .select_related("comparison__project")
        .only("skip_reason", "ended_at", "created_at", "comparison__prompt", "comparison__project__title")
        .order_by("-ended_at")[: PAGE + 1]
    )
    dialogues = (
        Dialogue.objects.filter(author=user, submitted_at__lt=before, undone_at__isnull=True)
        .select_related("project")
        .prefetch_related("turns")
        .order_by("-submitted_at")[: PAGE + 1]
    )
    rows = (
        [_ranking(row) for row in rankings] + [_skipped(row) for row in skipped] + [_dialogue(row) for row in dialogues]
    )
    rows.sort(key=lambda row: row.at, reverse=True)
    return Shown(rows[:PAGE], rows[PAGE - 1].at.isoformat() if len(rows) > PAGE else "")


def _undo_until(at: datetime, project: Any) -> datetime | None:
    from datetime import timedelta

    end = at + timedelta(minutes=project.undo_minutes)
    return end if end > timezone.now() else None


def _title(messages: list[dict[str, str]]) -> str:
    return next((message["content"] for message in reversed(messages) if message["role"] == "user"), "")[:200]


def _ranking(row: Ranking) -> Row:
    letters = dict(zip(row.order_shown, board.LETTERS, strict=False))
    order = " > ".join(" = ".join(letters.get(cid, "?") for cid in group) for group in row.groups)
    project = row.comparison.project
    return Row(
        "Ranking", row.assignment_id or row.pk, project.title, _title(row.comparison.prompt),
        f"not rankable: {row.not_rankable}" if row.not_rankable else order, "submitted", row.submitted_at,
        _undo_until(row.submitted_at, project),
    )  # fmt: skip


def _skipped(row: Assignment) -> Row:
    project = row.comparison.project
    at = row.ended_at or row.created_at
    return Row("Ranking", row.pk, project.title, _title(row.comparison.prompt), row.skip_reason, "skipped", at)


def _dialogue(row: Dialogue) -> Row:
    turns = list(row.turns.all())
    title = next((turn.text[:200] for turn in turns if turn.role == "user"), "")
    at = row.submitted_at or row.created_at
    undo = _undo_until(at, row.project) if row.state == Dialogue.State.SUBMITTED else None
    return Row(row.get_kind_display(), row.pk, row.project.title, title, f"{len(turns)} turns", row.state, at, undo)
