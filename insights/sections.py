"""The sections of a project's dashboard: each a sentence, a chart and its tables."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_noop

from insights import charts, explanations, tables
from insights.report_types import TOO_MANY_CUT, ReportData
from insights.table_output import Shown, shown
from insights.tables import span


@dataclass(frozen=True)
class Section:
    title: str
    sentence: str
    chart: SafeString | str
    tables: list[Shown]
    folded: bool = False  # its tables are closed until asked for

    @property
    def empty(self) -> bool:
        return not self.tables and not self.chart


def sections(report: ReportData) -> list[Section]:
    return [
        _agreement(report),
        _models(report),
        _cut(report),
        _style(report),
        _positions(report),
        _speed(report),
        _trainers(report),
        _suggestions(report),
        _throughput(report),
    ]


def _tables(report: ReportData, *names: str) -> list[Shown]:
    """Those that hold something."""
    found = [shown(tables.TABLES[name](report), name) for name in names]
    return [table for table in found if table.body]


def _agreement(report: ReportData) -> Section:
    found = report["agreement"]
    rows = [
        ("trainers", *span(found["between_trainers"]["tie_excluded"])),
        ("trainer and reviewer", *span(found["trainer_and_reviewer"]["tie_excluded"])),
        ("longer is better", *span(found["length_baseline"])),
        *((band["who"], *span(band)) for band in found["published"]),
    ]
    return Section(
        gettext_noop("Agreement"),
        explanations.on_agreement(report),
        charts.intervals("Agreement on pairs that both order", rows),
        _tables(report, "agreement", "agreement-by-round", "people"),
    )


def _models(report: ReportData) -> Section:
    rows = [(row["name"], *span(row["elo"])) for row in report["ratings"]["models"]]
    return Section(
        gettext_noop("Model versions"),
        explanations.on_models(report),
        charts.intervals("Elo with 95% interval", rows, percent=False, guide=1000),
        _tables(report, "models", "win-rates"),
    )


def _cut(report: ReportData) -> Section:
    rows = [(f"{row['model']}, round {row['round']}", row["share"]) for row in report["cut"] if row["cut"]]
    return Section(
        gettext_noop("Cut answers"),
        explanations.on_cut(report),
        charts.bars("Share of answers cut at their limit", rows, guide=TOO_MANY_CUT, percent=True),
        _tables(report, "cut"),
    )


def _style(report: ReportData) -> Section:
    rows = [(name, *span(effect)) for name, effect in report["bias"]["effects"].items()]
    return Section(
        gettext_noop("Length and style"),
        f"{explanations.on_length(report)} {explanations.on_style(report)}",
        charts.intervals("Effect on the log-odds of being preferred", rows, percent=False, guide=0),
        _tables(report, "effects"),
    )


def _positions(report: ReportData) -> Section:
    found = report["bias"]["position"]
    rows = [(f"place {n}", won) for n, won in enumerate(found["wins"], start=1)]
    return Section(
        gettext_noop("Place on the screen"),
        explanations.on_position(report),
        charts.bars("First places by place on the screen", rows, guide=found["expected"][0] if rows else None),
        _tables(report, "positions"),
    )


def _speed(report: ReportData) -> Section:
    found = report["bias"]["speed"]
    rows = [
        (f"{what}, {who}", *span(estimate))
        for what, haste in (("longer", found["longer_wins"]), ("shown earlier", found["earlier_wins"]))
        if haste is not None
        for who, estimate in (("quick", haste["quick"]), ("others", haste["others"]))
    ]
    return Section(
        gettext_noop("Speed"),
        explanations.on_speed(report),
        charts.intervals("Share of pairs won", rows, guide=0.5),
        _tables(report, "speed"),
    )


def _trainers(report: ReportData) -> Section:
    drifting = [row for row in report["trainers"] if row["drift_alarm"]]
    lines = [
        charts.line(f"Drift of {row['person']}", row["drift_path"], guide=row["drift_threshold"] or 0.0)
        for row in drifting
    ]
    return Section(
        gettext_noop("Trainers"),
        explanations.on_trainers(report),
        mark_safe("".join(lines)),
        _tables(report, "trainers", "repeats"),
    )


def _suggestions(report: ReportData) -> Section:
    weeks = [(row["week"], row["verbatim"]) for row in report["suggestions"]["by_week"]]
    return Section(
        gettext_noop("Suggestions"),
        explanations.on_suggestions(report),
        charts.columns("Turns taken verbatim, by week", weeks),
        _tables(report, "suggestions"),
    )


def _throughput(report: ReportData) -> Section:
    days = [(row["day"], row["rankings"]) for row in report["throughput"]]
    chart = charts.columns("Rankings a day", days)
    return Section(gettext_noop("Work by day"), "", chart, _tables(report, "throughput"), folded=True)
