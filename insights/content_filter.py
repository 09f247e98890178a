"""The content filter against what people say: confusion tables, precision and recall, what other thresholds would do.
Counted when it is asked for: marks are few."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_noop

from common.shapes import JsonObject
from insights import charts
from insights.sections import Section
from insights.table_output import shown
from insights.tables import Cell, Row, Table
from labeling.models import Project
from moderation import reports
from moderation.reports import Confusion, Point
from screening.rules import Limits, plan_for

COLUMNS = (
    "filter", "language", "category", "flagged and harmful", "wrongly flagged", "missed", "let through and harmless",
    "precision", "95% low", "95% high", "recall", "95% low ", "95% high ", "decided by a reviewer",
)  # fmt: skip
NAMES = ("confusion", "what-if")


@dataclass(frozen=True)
class OfFilter:
    """What is known of one filter."""

    name: str
    limits: Limits
    marked: int
    rows: list[reports.Row]
    points: list[Point]


def found_of(project: Project, *, beside: Sequence[Project] = ()) -> list[OfFilter]:
    """Of each filter that the project asks; `beside` are further projects whose marks are counted too."""
    found = []
    for rule in plan_for(project.pk).rules:
        limits = dict(rule.limits)
        marked = reports.marked([project, *beside], rule.filter)
        points = list(reports.curve(marked, limits))
        found.append(OfFilter(rule.filter, limits, len(marked), reports.table(marked, limits), points))
    return found


def tables(found: Sequence[OfFilter]) -> dict[str, Table]:
    """By name, for the page and for CSV."""
    shares = frozenset(range(7, 13))
    rows: list[Row] = [
        (one.name, row.language or "all", row.category, *cells(row.confusion), row.decided)
        for one in found
        for row in one.rows
    ]
    points: list[Row] = [
        (one.name, point.category, point.threshold, *cells(point.confusion)) for one in found for point in one.points
    ]
    return {
        "confusion": Table("What was flagged, and what people say", COLUMNS, rows, shares),
        "what-if": Table(
            "With other thresholds",
            ("filter", "category", "threshold", *COLUMNS[3:-1]),
            points,
            frozenset(range(7, 13)),
        ),
    }


def cells(confusion: Confusion) -> tuple[Cell, ...]:
    precision, recall = confusion.precision or (None,) * 3, confusion.recall or (None,) * 3
    return (confusion.caught, confusion.wrong, confusion.missed, confusion.passed, *precision, *recall)


def sections(found: Sequence[OfFilter]) -> list[Section]:
    made = tables(found)
    rows = [
        (f"{one.name}: {row.category}, {what}", *(interval or (None, None, None)))
        for one in found
        for row in one.rows
        if not row.language
        for what, interval in (("precision", row.confusion.precision), ("recall", row.confusion.recall))
    ]
    return [
        Section(
            gettext_noop("Right and wrong"),
            "Of the texts that somebody marked, at the thresholds in force. Precision: of what is flagged, how much is "
            "harmful. Recall: of what is harmful, how much is flagged. People mark what they happen to see, so recall "
            "is of the harm that somebody found, not of all harm.",
            charts.intervals("Precision and recall with 95% intervals", rows),
            [shown(made["confusion"], "confusion")],
        ),
        Section(
            gettext_noop("With other thresholds"),
            "What would have been flagged of the same texts from another score on, by the stored scores.",
            _curves(found),
            [shown(made["what-if"], "what-if")],
            folded=True,
        ),
    ]


def _curves(found: Sequence[OfFilter]) -> SafeString:
    drawn = []
    for one in found:
        points = [point for point in one.points if point.category == reports.ANY]
        for what, rates in (
            ("Precision", [(point.threshold, point.confusion.precision) for point in points]),
            ("Recall", [(point.threshold, point.confusion.recall) for point in points]),
        ):
            known = [(at, rate[0]) for at, rate in rates if rate is not None]
            drawn.append(charts.course(f"{what} of {one.name}, all categories", known, over="from which score on"))
    return mark_safe("".join(drawn))


def as_json(found: OfFilter) -> JsonObject:
    """For the API."""
    return {
        "filter": found.name,
        "marked_texts": found.marked,
        "thresholds": {name: {"warn_at": warn, "block_at": block} for name, (warn, block) in found.limits.items()},
        "confusion": [
            {
                "language": row.language or None,
                "category": row.category,
                "decided": row.decided,
                **_cells(row.confusion),
            }
            for row in found.rows
        ],
        "what_if": [
            {"category": point.category, "threshold": point.threshold, **_cells(point.confusion)}
            for point in found.points
        ],
    }


def _cells(confusion: Confusion) -> JsonObject:
    return {
        "caught": confusion.caught,
        "wrongly_flagged": confusion.wrong,
        "missed": confusion.missed,
        "let_through": confusion.passed,
        "precision": _rate(confusion.precision),
        "recall": _rate(confusion.recall),
    }


def _rate(rate: tuple[float, float, float] | None) -> JsonObject | None:
    return None if rate is None else {"value": rate[0], "low": rate[1], "high": rate[2]}
