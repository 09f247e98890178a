"""A trainer's own past work, and a search in it, for the history page. Reads only."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import (
    Count,
    Exists,
    F,
    Func,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
)
from django.db.models.functions import Cast, Left
from django.db.models.lookups import IContains
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_noop, ngettext

from common.compiled import compiled
from common.shapes import Message
from labeling import undo
from labeling.models import Assignment, Dialogue, Ranking, Turn
from labeling.pages import outcomes
from labeling.pages.letters import letters_of, refusal, spelled
from labeling.quality.reviews import last_decision
from labeling.text import as_read, opening

if TYPE_CHECKING:
    from accounts.models import User
PAGE = 30  # rows; more of them cost a page its time, and nobody reads further without a search
OPENING = 140  # characters
SEARCHED, WORDS = 200, 8  # characters and words of a search, at most


# Values of kinds, roles and states that pages show through the filter `translated`.
SHOWN = (
    gettext_noop("ranking"), gettext_noop("demonstration"), gettext_noop("chat"), gettext_noop("imported"),
    gettext_noop("red team"), gettext_noop("skipped"), gettext_noop("Turn"), gettext_noop("Message that was not sent"),
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
    rows = _ranked(user, before, words) if words else _newest_ranked(user, before)
    for (
        pk, assignment, project, minutes, prompt, order, groups, not_rankable, at,
        decided, unseen, before_it, state, emptied,
    ) in rows:  # fmt: skip
        yield Row(
            kind="Ranking",
            pk=assignment or pk,
            project=project,
            title=_cut(opening(prompt)),
            outcome=refusal(not_rankable) if not_rankable else spelled(groups, letters_of(order)),
            state=outcomes.ranking_outcome(
                decided=decided, mended=before_it is not None, state=state, emptied=emptied is not None
            ),
            at=at,
            undo_until=_undo_until(at, minutes) if unseen else None,
        )


_Ranked = tuple[
    UUID, UUID | None, str, int, list[Message], list[str], list[list[str]], str, datetime,
    str | None, bool, UUID | None, str, datetime | None,
]  # fmt: skip


def _ranked(user: User, before: datetime, words: Sequence[str] = ()) -> QuerySet[Ranking, _Ranked]:
    mine = Ranking.objects.in_force().filter(trainer=user, submitted_at__lt=before).exclude(kind=Ranking.Kind.GOLD)
    return (
        mine.filter(*_about(words, "note"))
        .annotate(decided=last_decision("ranking"), unseen=outcomes.unseen_ranking())
        .order_by("-submitted_at")
        .values_list(
            "pk", "assignment", "comparison__project__title", "comparison__project__undo_minutes", "comparison__prompt",
            "order_shown", "groups", "not_rankable", "submitted_at",
            "decided", "unseen", "supersedes", "comparison__state", "comparison__withdrawn_at",
        )[: PAGE + 1]
    )  # fmt: skip


_newest_ranked = compiled(_ranked)


def _skipped(user: User, before: datetime, words: Sequence[str]) -> Iterator[Row]:
    rows = _passed_over(user, before, words) if words else _newest_passed_over(user, before)
    for pk, project, prompt, reason, at in rows:
        assert at is not None
        title = _cut(opening(prompt))
        yield Row(kind="Ranking", pk=pk, project=project, title=title, outcome=reason, state="skipped", at=at)


_PassedOver = tuple[UUID, str, list[Message], str, datetime | None]


def _passed_over(user: User, before: datetime, words: Sequence[str] = ()) -> QuerySet[Assignment, _PassedOver]:
    mine = Assignment.objects.of(user).filter(state=Assignment.State.SKIPPED, ended_at__lt=before)
    return (
        mine.filter(*_about(words, "skip_reason"))
        .order_by("-ended_at")
        .values_list("pk", "comparison__project__title", "comparison__prompt", "skip_reason", "ended_at")[: PAGE + 1]
    )


_newest_passed_over = compiled(_passed_over)


def _dialogues(user: User, before: datetime, words: Sequence[str]) -> Iterator[Row]:
    rows = _written(user, before, words) if words else _newest_written(user, before)
    for pk, kind, rule, project, minutes, begins, length, state, at, decided, newer, unseen in rows:
        assert at is not None
        yield Row(
            kind=Dialogue(kind=kind, rule_id=rule).kind_title,
            pk=pk,
            project=project,
            title=_cut(begins or ""),
            outcome=ngettext("%(n)s turn", "%(n)s turns", length or 0) % {"n": length or 0},
            state=outcomes.dialogue_outcome(state=state, decided=decided, newer=newer, emptied=False),
            at=at,
            undo_until=_undo_until(at, minutes) if unseen and state == Dialogue.State.SUBMITTED else None,
        )


_Written = tuple[
    UUID, str, UUID | None, str, int, str | None, int | None, str, datetime | None, str | None, str | None, bool
]


def _written(user: User, before: datetime, words: Sequence[str] = ()) -> QuerySet[Dialogue, _Written]:
    turns = Turn.objects.filter(dialogue=OuterRef("pk"))
    asked = turns.filter(role=Turn.Role.USER).order_by("position").values(start=Left("text", OPENING + 1))[:1]
    counted = turns.order_by().values("dialogue").values(n=Count("*"))
    mine = Dialogue.objects.filter(author=user, submitted_at__lt=before, undone_at__isnull=True)
    return (
        outcomes.dialogues_with_decisions(mine.filter(withdrawn_at__isnull=True))
        .filter(*(Exists(turns.filter(text__icontains=word)) for word in words))
        .annotate(opening=Subquery(asked), length=Subquery(counted))
        .order_by("-submitted_at")
        .values_list(
            "pk",
            "kind",
            "rule",
            "project__title",
            "project__undo_minutes",
            "opening",
            "length",
            "state",
            "submitted_at",
            "decided",
            "newer",
            "unseen",
        )[: PAGE + 1]
    )


_newest_written = compiled(_written)


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
    return as_read(text) if len(text) <= OPENING else f"{text[: OPENING - 1]}…"
