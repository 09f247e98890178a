"""A trainer's own past work, and a search in it, for the history page. Reads only."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Count, Exists, F, Func, OuterRef, Q, Subquery, TextField
from django.db.models.functions import Cast, Left
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from labeling.models import Assignment, Dialogue, Ranking, Turn
from labeling.pages import ranking as ranking_page
from labeling.text import opening

if TYPE_CHECKING:
    from accounts.models import User

PAGE = 50
OPENING = 140  # characters
SEARCHED, WORDS = 200, 8  # characters and words of a search, at most


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


def words_of(search: str) -> list[str]:
    """What is searched for; PostgreSQL's texts hold no NUL, so nothing is found by one."""
    return search.replace("\x00", " ")[:SEARCHED].split()[:WORDS]


def work_of(user: User, *, before: datetime, words: Sequence[str] = ()) -> Shown:
    """One page of submitted and skipped work, newest first; only what has all the words in its prompt or in what
    the trainer wrote."""
    rankings = (
        _about(Ranking.objects.in_force().filter(trainer=user, submitted_at__lt=before), words, "note")
        .order_by("-submitted_at")
        .values_list(
            "pk", "assignment_id", "order_shown", "groups", "not_rankable", "submitted_at", "comparison__prompt",
            "comparison__project__title", "comparison__project__undo_minutes", named=True,
        )[: PAGE + 1]
    )  # fmt: skip
    skipped = (
        _about(
            Assignment.objects.of(user).filter(state=Assignment.State.SKIPPED, ended_at__lt=before),
            words,
            "skip_reason",
        )
        .order_by("-ended_at")
        .values_list(
            "pk",
            "skip_reason",
            "ended_at",
            "created_at",
            "comparison__prompt",
            "comparison__project__title",
            named=True,
        )[: PAGE + 1]
    )
    turns = Turn.objects.filter(dialogue=OuterRef("pk"))
    asked = turns.filter(role=Turn.Role.USER).order_by("position").values(start=Left("text", OPENING + 1))[:1]
    counted = turns.order_by().values("dialogue").values(n=Count("*"))
    dialogues = (
        Dialogue.objects.filter(author=user, submitted_at__lt=before, undone_at__isnull=True)
        .filter(*(Exists(turns.filter(text__icontains=word)) for word in words))
        .annotate(opening=Subquery(asked), length=Subquery(counted))
        .order_by("-submitted_at")
        .values_list(
            "pk", "kind", "state", "submitted_at", "project__title", "project__undo_minutes", "opening", "length",
            named=True,
        )[: PAGE + 1]
    )  # fmt: skip
    rows = (
        [_ranking(row) for row in rankings] + [_skipped(row) for row in skipped] + [_dialogue(row) for row in dialogues]
    )
    rows.sort(key=lambda row: row.at, reverse=True)
    return Shown(rows[:PAGE], rows[PAGE - 1].at.isoformat() if len(rows) > PAGE else "")


def _about(rows: Any, words: Sequence[str], own: str) -> Any:
    """Those of a trainer's rows that have all the words; read one by one, which for one person's are few enough."""
    if not words:
        return rows
    contents = Func(
        F("comparison__prompt"),
        function="jsonb_path_query_array",
        template="%(function)s(%(expressions)s, '$[*].content')",
    )
    rows = rows.alias(prompt_text=Cast(contents, TextField()))
    for word in words:
        quoted = json.dumps(word, ensure_ascii=False)[1:-1]  # as JSON's text has it
        rows = rows.filter(Q(prompt_text__icontains=quoted) | Q(**{f"{own}__icontains": word}))
    return rows


def _undo_until(at: datetime, minutes: int) -> datetime | None:
    end = at + timedelta(minutes=minutes)
    return end if end > timezone.now() else None


def _cut(text: str) -> str:
    """Cut here, not by the template: of fifty openings its filter looks at every character."""
    return text if len(text) <= OPENING else f"{text[: OPENING - 1]}…"


def _ranking(row: Any) -> Row:
    letters = dict(zip(row.order_shown, ranking_page.LETTERS, strict=False))
    order = " > ".join(" = ".join(letters.get(cid, "?") for cid in group) for group in row.groups)
    return Row(
        "Ranking", row.assignment_id or row.pk, row.comparison__project__title,
        _cut(opening(row.comparison__prompt)),
        f"not rankable: {row.not_rankable}" if row.not_rankable else order, "submitted", row.submitted_at,
        _undo_until(row.submitted_at, row.comparison__project__undo_minutes),
    )  # fmt: skip


def _skipped(row: Any) -> Row:
    return Row(
        "Ranking", row.pk, row.comparison__project__title, _cut(opening(row.comparison__prompt)),
        row.skip_reason, "skipped", row.ended_at or row.created_at,
    )  # fmt: skip


def _dialogue(row: Any) -> Row:
    undo = row.state == Dialogue.State.SUBMITTED
    return Row(
        Dialogue.Kind(row.kind).label, row.pk, row.project__title, _cut(row.opening or ""),
        f"{row.length or 0} turns", row.state, row.submitted_at,
        _undo_until(row.submitted_at, row.project__undo_minutes) if undo else None,
    )  # fmt: skip
