"""The tables of a report: the same rows for the page and for CSV."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from insights.report_types import Interval, ReportData, Share

Cell = str | int | float | None
Row = tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    caption: str
    columns: tuple[str, ...]
    rows: list[Row]
    shares: frozenset[int] = frozenset()  # columns that the page writes as percentages


def share(value: Share | None) -> tuple[Cell, Cell, Cell, Cell]:
    """Value, both ends and the number of prompts of an estimate."""
    return (*span(value), value["clusters"] if value else None)


def span(value: Interval | None) -> tuple[float | None, float | None, float | None]:
    """Value and both ends."""
    return (value["value"], value["low"], value["high"]) if value else (None, None, None)


def agreement(report: ReportData) -> Table:
    found = report["agreement"]
    rows: list[Row] = []
    for who, readings in (
        ("trainers", found["between_trainers"]), ("trainer and reviewer", found["trainer_and_reviewer"]),
    ):  # fmt: skip
        rows.append((f"{who}: pairs that both order", *share(readings["tie_excluded"])))
        rows.append((f"{who}: all pairs, ties counted as a third answer", *share(readings["strict"])))
        rows.append((f"{who}: all pairs, half a point for one tie", *share(readings["tie_discounted"])))
    rows.append(("Kendall's tau-b, mean over pairs of rankings", *share(found["tau_b"])))
    rows.append(("Krippendorff's alpha of orders (nominal)", *share(found["alpha_order_nominal"])))
    rows.append(("Krippendorff's alpha of orders (ordinal)", *share(found["alpha_order_ordinal"])))
    rows.append(("Krippendorff's alpha of grades (interval)", *share(found["alpha_grades_interval"])))
    rows.append(("Fleiss' kappa of orders", *share(found["fleiss_kappa"])))
    rows.append(("baseline: the longer text is better", *share(found["length_baseline"])))
    rows.extend((f"published: {band['who']}", *span(band), None) for band in found["published"])
    return Table("Agreement", ("measure", "value", "95% low", "95% high", "prompts"), rows)


def agreement_by_round(report: ReportData) -> Table:
    rows: list[Row] = [(f"round {row['round']}", *share(row)) for row in report["agreement"]["by_round"]]
    columns = ("round", "value", "95% low", "95% high", "prompts")
    return Table("Agreement of trainers by round", columns, rows, frozenset({1, 2, 3}))


def people(report: ReportData) -> Table:
    rows: list[Row] = [
        (
            row["a"],
            row["b"],
            row["pairs"],
            *span(row["tie_excluded"]),
            row["strict"]["value"],
            row["tie_discounted"]["value"],
        )
        for row in report["agreement"]["by_pair_of_people"]
    ]
    columns = ("one", "other", "pairs", "agreement", "95% low", "95% high", "strict", "tie-discounted")
    return Table("Agreement by pair of trainers", columns, rows, frozenset(range(3, 8)))


def cut(report: ReportData) -> Table:
    rows: list[Row] = [(row["round"], row["model"], row["answers"], row["cut"], row["share"]) for row in report["cut"]]
    return Table("Cut answers", ("round", "model version", "answers", "cut", "share"), rows, frozenset({4}))


def models(report: ReportData) -> Table:
    rows: list[Row] = []
    for row in report["ratings"]["models"]:
        luce, equal, elo = span(row["plackett_luce"]), row["style_held_equal"], row["elo"]
        tied = row["davidson"]
        rows.append((
            row["name"], row["pairs"], row["win_rate"], elo["value"], elo["low"], elo["high"],
            row["bradley_terry"]["value"], luce[0], equal["value"], equal["low"], equal["high"], tied["value"],
            tied["low"], tied["high"],
        ))  # fmt: skip
    columns = (
        "model version", "pairs", "win rate", "Elo", "95% low", "95% high", "Bradley-Terry", "Plackett-Luce",
        "style held equal", "95% low ", "95% high ", "with ties (Davidson)", "95% low  ", "95% high  ",
    )  # fmt: skip
    return Table("Model versions", columns, rows, frozenset({2}))


def matrix(report: ReportData) -> Table:
    rows: list[Row] = [
        (row["name"], row["against"], row["pairs"], row["points"] / row["pairs"]) for row in report["ratings"]["matrix"]
    ]
    return Table("Win rates", ("model version", "against", "pairs", "win rate"), rows, frozenset({3}))


def effects(report: ReportData) -> Table:
    rows: list[Row] = [(name, e["value"], e["low"], e["high"]) for name, e in report["bias"]["effects"].items()]
    return Table("Effects with model strength held equal (log-odds)", ("effect", "value", "95% low", "95% high"), rows)


def positions(report: ReportData) -> Table:
    found = report["bias"]["position"]
    rows: list[Row] = [
        (place, shown, won, expected)
        for place, (shown, won, expected) in enumerate(
            zip(found["exposures"], found["wins"], found["expected"], strict=True), start=1
        )
    ]
    return Table("First places by place on the screen", ("place", "shown", "put first", "expected by chance"), rows)


def trainers(report: ReportData) -> Table:
    rows: list[Row] = [
        (
            row["person"], row["rankings"], row["share"], *row["share_interval"], row["median_seconds"],
            *span(row["agreement"]), row["calibration_items"], row["calibration_right"],
            "ALARM" if row["drift_alarm"] else "",
        )
        for row in report["trainers"]
    ]  # fmt: skip
    columns = (
        "trainer", "rankings", "share", "95% low", "95% high", "median seconds", "agreement", "95% low ", "95% high ",
        "calibration items", "right", "drift",
    )  # fmt: skip
    return Table("Trainers", columns, rows, frozenset({2, 3, 4, 6, 7, 8, 10}))


def repeats(report: ReportData) -> Table:
    rows: list[Row] = [(row["person"], row["repeats"], *span(row)) for row in report["intra_rater"]]
    columns = ("trainer", "repeats", "agreement", "95% low", "95% high")
    return Table("Agreement with oneself", columns, rows, frozenset({2, 3, 4}))


def suggestions(report: ReportData) -> Table:
    rows: list[Row] = [
        (
            row["week"], row["verbatim"], row["edited"], row["own"], *span(row["verbatim_share"]),
            *span(row["edit_ratio"]),
        )
        for row in report["suggestions"]["by_week"]
    ]  # fmt: skip
    columns = (
        "week of", "verbatim", "edited", "own words", "verbatim share", "95% low", "95% high", "share changed",
        "95% low ", "95% high ",
    )  # fmt: skip
    return Table("Turns of demonstrations by origin", columns, rows, frozenset(range(4, 10)))


def speed(report: ReportData) -> Table:
    found = report["bias"]["speed"]
    rows: list[Row] = []
    for what, haste in (
        ("the longer text wins", found["longer_wins"]), ("the text shown earlier wins", found["earlier_wins"]),
    ):  # fmt: skip
        if haste is not None:
            rows.append((f"{what}: quickest quarter", *share(haste["quick"])))
            rows.append((f"{what}: the others", *share(haste["others"])))
            rows.append((f"{what}: difference", *share(haste["difference"])))
    columns = ("share of pairs", "value", "95% low", "95% high", "prompts")
    return Table("Quick rankings and the others", columns, rows, frozenset({1, 2, 3}))


def throughput(report: ReportData) -> Table:
    rows: list[Row] = [(row["day"], row["rankings"], row["dialogues"]) for row in report["throughput"]]
    return Table("Work by day", ("day", "rankings", "dialogues"), rows)


TABLES: dict[str, Callable[[ReportData], Table]] = {
    "agreement": agreement, "agreement-by-round": agreement_by_round, "people": people, "models": models,
    "cut": cut,
    "win-rates": matrix, "effects": effects, "positions": positions, "trainers": trainers, "repeats": repeats,
    "suggestions": suggestions, "speed": speed, "throughput": throughput,
}  # fmt: skip
