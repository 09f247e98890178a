"""A trainer's own past work, and a search in it, for the history page. Reads only."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Count, Exists, F, Func, OuterRef, Q, Subquery, TextField
from django.db.models.functions import Cast, Left
from django.db.models.lookups import IContains
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext, gettext_noop, ngettext

from labeling import undo
from labeling.models import Assignment, Dialogue, Ranking, Turn
from labeling.pages.letters import letters_of, spelled
from labeling.text import opening

if TYPE_CHECKING:
    from accounts.models import User
PAGE = 30  # rows; more of them cost a page its time, and nobody reads further without a search
OPENING = 140  # characters
SEARCHED, WORDS = 200, 8  # characters and words of a search, at most


# Values of kinds, roles and states that pages show through the filter `translated`.
SHOWN = (
    gettext_noop("ranking"), gettext_noop("demonstration"), gettext_noop("chat"), gettext_noop("imported"),
    gettext_noop("submitted"), gettext_noop("accepted"), gettext_noop("returned"), gettext_noop("skipped"),
    gettext_noop("guest"), gettext_noop("reviewer"), gettext_noop("manager"), gettext_noop("Ranking"),
)  # fmt: skip


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
    rows = [*_rankings(user, before, words), *_skipped(user, before, words), *_dialogues(user, before, words)]
    rows.sort(key=lambda row: row.at, reverse=True)
    return Shown(rows[:PAGE], rows[PAGE - 1].at.isoformat() if len(rows) > PAGE else "")


def _rankings(user: User, before: datetime, words: Sequence[str]) -> Iterator[Row]:
    mine = Ranking.objects.in_force().filter(trainer=user, submitted_at__lt=before).exclude(kind=Ranking.Kind.GOLD)
    rows = (
        mine.filter(*_about(words, "note"))
        .order_by("-submitted_at")
        .select_related("comparison__project")
        .only(
            "assignment_id", "order_shown", "groups", "not_rankable", "submitted_at", "comparison__prompt",
            "comparison__project__title", "comparison__project__undo_minutes",
        )[: PAGE + 1]
    )  # fmt: skip
    for row in rows:
        project = row.comparison.project
        yield Row(
            kind="Ranking",
            pk=row.assignment_id or row.pk,
            project=project.title,
            title=_cut(opening(row.comparison.prompt)),
            outcome=_order(row),
            state="submitted",
            at=row.submitted_at,
            undo_until=_undo_until(row.submitted_at, project.undo_minutes),
        )


def _order(row: Ranking) -> str:
    if row.not_rankable:
        return gettext("not rankable: %s") % row.not_rankable
    return spelled(row.groups, letters_of(row.order_shown))


def _skipped(user: User, before: datetime, words: Sequence[str]) -> Iterator[Row]:
    mine = Assignment.objects.of(user).filter(state=Assignment.State.SKIPPED, ended_at__lt=before)
    rows = (
        mine.filter(*_about(words, "skip_reason"))
        .order_by("-ended_at")
        .select_related("comparison__project")
        .only("skip_reason", "ended_at", "created_at", "comparison__prompt", "comparison__project__title")[: PAGE + 1]
    )
    for row in rows:
        yield Row(
            kind="Ranking",
            pk=row.pk,
            project=row.comparison.project.title,
            title=_cut(opening(row.comparison.prompt)),
            outcome=row.skip_reason,
            state="skipped",
            at=row.ended_at or row.created_at,
        )


def _dialogues(user: User, before: datetime, words: Sequence[str]) -> Iterator[Row]:
    turns = Turn.objects.filter(dialogue=OuterRef("pk"))
    asked = turns.filter(role=Turn.Role.USER).order_by("position").values(start=Left("text", OPENING + 1))[:1]
    counted = turns.order_by().values("dialogue").values(n=Count("*"))
    rows = (
        Dialogue.objects.filter(author=user, submitted_at__lt=before, undone_at__isnull=True)
        .filter(*(Exists(turns.filter(text__icontains=word)) for word in words))
        .annotate(opening=Subquery(asked), length=Subquery(counted))
        .order_by("-submitted_at")
        .values_list(
            "pk", "kind", "state", "submitted_at", "project__title", "project__undo_minutes", "opening", "length",
            named=True,
        )[: PAGE + 1]
    )  # fmt: skip
    for row in rows:
        assert row.submitted_at is not None
        in_time = _undo_until(row.submitted_at, row.project__undo_minutes)
        yield Row(
            kind=str(Dialogue.Kind(row.kind).label),
            pk=row.pk,
            project=row.project__title,
            title=_cut(row.opening or ""),
            outcome=ngettext("%(n)s turn", "%(n)s turns", row.length or 0) % {"n": row.length or 0},
            state=row.state,
            at=row.submitted_at,
            undo_until=in_time if row.state == Dialogue.State.SUBMITTED else None,
        )


def _about(words: Sequence[str], own: str) -> list[Q]:
    """That a trainer's row has all the words in its prompt or its column `own`; read one by one, which for one
    person's rows are few enough."""
    contents = Func(
        F("comparison__prompt"),
        function="jsonb_path_query_array",
        template="%(function)s(%(expressions)s, '$[*].content')",
    )
    prompt = Cast(contents, TextField())
    found = []
    for word in words:
        quoted = json.dumps(word, ensure_ascii=False)[1:-1]  # as JSON's text has it
        found.append(Q(IContains(prompt, quoted)) | Q(**{f"{own}__icontains": word}))
    return found


def _undo_until(at: datetime, minutes: int) -> datetime | None:
    return undo.undo_until(at, minutes) if undo.can_undo(at, minutes) else None


def _cut(text: str) -> str:
    """Cut here, not by the template: of many openings its filter looks at every character."""
    return text if len(text) <= OPENING else f"{text[: OPENING - 1]}…"
