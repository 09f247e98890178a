"""The time that people were active, by day: what a time sheet says. Reads only.

Pages measure activity while a task is open (`labeling/assignments.py`, `labeling/drafts.py`). The whole of a task's
time stands on the day on which it was handed in or given back, else on the day of its last sign of life. Looking again
at work that was sent back is not measured for rankings.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import reduce
from typing import TYPE_CHECKING, TypedDict

from django.db.models import Avg, Count, F, Q, Sum
from django.db.models.functions import Coalesce, TruncDate
from django.utils import timezone

from common import csv_safe
from labeling import exposure
from labeling.models import Assignment, Dialogue, Project, Ranking

if TYPE_CHECKING:
    from accounts.models import User

HEAD = (
    "day", "person", "project", "active seconds", "active hours", "rankings", "dialogues", "seconds with flagged texts"
)  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One person's work in one project on one day."""

    day: date
    person: str
    project: str
    seconds: int = 0
    rankings: int = 0
    dialogues: int = 0
    flagged: int = 0  # of the seconds, those on tasks with texts that the content filter flagged

    @property
    def hours(self) -> str:
        return hours(self.seconds)

    @property
    def flagged_hours(self) -> str:
        return hours(self.flagged)


class _Row(TypedDict):
    day: date
    person: str
    title: str
    total: int
    flagged: int | None
    done: int


@dataclass(frozen=True)
class Span:
    """From when to when."""

    begin: datetime
    end: datetime


ALWAYS = Span(datetime(1970, 1, 1, tzinfo=UTC), datetime(2300, 1, 1, tzinfo=UTC))


@dataclass(frozen=True)
class Month:
    """A calendar month, in the time zone in force."""

    first: date

    @property
    def name(self) -> str:
        return f"{self.first:%Y-%m}"

    @property
    def begin(self) -> datetime:
        return timezone.make_aware(datetime(self.first.year, self.first.month, 1))

    @property
    def end(self) -> datetime:
        return self.next.begin

    @property
    def is_over(self) -> bool:
        return self.end <= timezone.now()

    @property
    def next(self) -> Month:
        return Month((self.first + timedelta(days=32)).replace(day=1))

    @property
    def before(self) -> Month:
        return Month((self.first - timedelta(days=1)).replace(day=1))


def month_of(name: str) -> Month:
    """`2026-11`; this month where it cannot be read."""
    try:
        first = date.fromisoformat(f"{name}-01")
    except ValueError:
        first = timezone.localdate().replace(day=1)
    return Month(first if 2000 <= first.year <= 2200 else timezone.localdate().replace(day=1))


def with_weeks(
    month: Month, *, person: User | None = None, project: Project | None = None
) -> tuple[list[Line], list[Line]]:
    """The month's sheet, and the time with flagged texts of the whole weeks, from Monday, that it touches."""
    begin = month.begin - timedelta(days=month.begin.weekday())
    end = month.end + timedelta(days=-month.end.weekday() % 7)
    lines = sheet(Span(begin, end), person=person, project=project)
    return [line for line in lines if month.first <= line.day < month.next.first], _weeks(lines)


def _weeks(lines: Iterable[Line]) -> list[Line]:
    found: dict[tuple[date, str, str], Line] = {}
    for line in lines:
        if line.flagged:
            monday = line.day - timedelta(days=line.day.weekday())
            key = (monday, line.person, line.project)
            found[key] = replace(added(found.get(key, Line(monday, *key[1:])), line), day=monday)
    return list(found.values())


def sheet(month: Span | Month, *, person: User | None = None, project: Project | None = None) -> list[Line]:
    """Every day with work in it, newest first; of a person, of a project, or of both."""
    lines = [_line(row, rankings=row["done"]) for row in _ranked(month, person, project)]
    lines += [_line(row, dialogues=row["done"]) for row in _written(month, person, project)]
    found: dict[tuple[date, str, str], Line] = {}
    for line in lines:
        key = (line.day, line.person, line.project)
        found[key] = added(found[key], line) if key in found else line
    worked = [line for line in found.values() if line.seconds or line.rankings or line.dialogues]
    return sorted(worked, key=lambda line: (-line.day.toordinal(), line.person, line.project))


def whole(project: Project) -> Line:
    """Everything that was ever done in the project, as one line."""
    lines = [_line(row, rankings=row["done"]) for row in _ranked(ALWAYS, None, project)]
    lines += [_line(row, dialogues=row["done"]) for row in _written(ALWAYS, None, project)]
    return reduce(added, lines, Line(date.min, "", ""))


def seconds_of_a_ranking(project: Project) -> float | None:
    """The mean of those in force; None where there is none."""
    votes = Ranking.objects.first_of_each().filter(comparison__project=project, seconds__isnull=False)
    mean: float | None = votes.exclude(kind=Ranking.Kind.IMPORTED).aggregate(mean=Avg("seconds"))["mean"]
    return mean


def by_person(lines: Iterable[Line]) -> list[Line]:
    """The lines of each person added up, under the latest day; in the order of names."""
    found: dict[str, Line] = {}
    for line in lines:
        one = found.get(line.person, Line(line.day, line.person, line.project))
        found[line.person] = added(one, line)
    return [found[name] for name in sorted(found)]


def added(one: Line, other: Line) -> Line:
    return Line(
        max(one.day, other.day), one.person, one.project, one.seconds + other.seconds,
        one.rankings + other.rankings, one.dialogues + other.dialogues, one.flagged + other.flagged,
    )  # fmt: skip


def hours(seconds: float) -> str:
    """Hours, minutes and seconds, `7:45:30`: rounded to minutes, lines would not add up to their sum."""
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


def to_csv(lines: Iterable[Line]) -> str:
    """Days as the time zone in force has them; hours with two decimals, for a sum."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(HEAD)
    for line in lines:
        cells = (line.day.isoformat(), line.person, line.project, line.seconds, round(line.seconds / 3600, 2))
        writer.writerow(csv_safe.row((*cells, line.rankings, line.dialogues, line.flagged)))
    return out.getvalue()


def _line(row: _Row, *, rankings: int = 0, dialogues: int = 0) -> Line:
    return Line(row["day"], row["person"], row["title"], row["total"], rankings, dialogues, row["flagged"] or 0)


def _ranked(month: Span | Month, person: User | None, project: Project | None) -> Iterator[_Row]:
    rows = Assignment.objects.annotate(at=Coalesce("ended_at", "heartbeat_at"))
    rows = rows.filter(at__gte=month.begin, at__lt=month.end).filter(**_of("trainer", person))
    rows = rows.filter(**_of("comparison__project", project))
    flagged = Sum("spent", filter=exposure.flagged_ranking())
    return (
        exposure.with_seconds(rows)
        .order_by()
        .annotate(day=TruncDate("at"), person=F("trainer__username"), title=F("comparison__project__title"))
        .values("day", "person", "title")
        .annotate(total=Sum("spent"), flagged=flagged, done=Count("pk", filter=Q(state=Assignment.State.SUBMITTED)))
        .iterator()
    )


def _written(month: Span | Month, person: User | None, project: Project | None) -> Iterator[_Row]:
    rows = Dialogue.objects.annotate(at=Coalesce("submitted_at", "saved_at"))
    rows = rows.filter(at__gte=month.begin, at__lt=month.end, author__isnull=False)
    rows = rows.filter(**_of("author", person)).filter(**_of("project", project))
    flagged = Sum("spent", filter=exposure.flagged_dialogue())
    first = Q(supersedes__isnull=True) | Q(supersedes__undone_at__isnull=False)  # not a revision of what was counted
    handed_in = first & Q(submitted_at__isnull=False, undone_at__isnull=True, answer_to__isnull=True)
    return (
        exposure.with_seconds_of_dialogues(rows)
        .order_by()
        .annotate(day=TruncDate("at"), person=F("author__username"), title=F("project__title"))
        .values("day", "person", "title")
        .annotate(total=Sum("spent"), flagged=flagged, done=Count("pk", filter=handed_in))
        .iterator()
    )


def _of(name: str, one: User | Project | None) -> dict[str, object]:
    return {} if one is None else {name: one}
