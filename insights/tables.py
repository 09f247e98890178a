"""The tables of a report: the same rows for the page and for CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from common import csv_safe

Cell = str | int | float | None
Row = tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    caption: str
    columns: tuple[str, ...]
    rows: list[Row]
    shares: frozenset[int] = frozenset()  # columns that the page writes as percentages


def share(value: dict[str, Any] | None) -> tuple[Cell, Cell, Cell, Cell]:
    """Value, both ends and the number of prompts of an estimate."""
    value = value or {}
    return value.get("value"), value.get("low"), value.get("high"), value.get("clusters")


def agreement(report: dict[str, Any]) -> Table:
    found = report["agreement"]
    rows: list[Row] = []
    for who, key in (("trainers", "between_trainers"), ("trainer and reviewer", "trainer_and_reviewer")):
        for reading, name in (
            ("tie_excluded", "pairs that both order"), ("strict", "all pairs, ties counted as a third answer"),
            ("tie_discounted", "all pairs, half a point for one tie"),
        ):  # fmt: skip
            rows.append((f"{who}: {name}", *share(found[key][reading])))
    rows.append(("Kendall's tau-b, mean over pairs of rankings", *share(found["tau_b"])))
    rows.append(("Krippendorff's alpha of orders (nominal)", *share(found["alpha_order_nominal"])))
    rows.append(("Krippendorff's alpha of orders (ordinal)", *share(found["alpha_order_ordinal"])))
    rows.append(("Krippendorff's alpha of grades (interval)", *share(found["alpha_grades_interval"])))
    rows.append(("baseline: the longer text is better", *share(found["length_baseline"])))
    rows.extend((f"published: {b['who']}", b["value"], b["low"], b["high"], None) for b in found["published"])
    return Table("Agreement", ("measure", "value", "95% low", "95% high", "prompts"), rows)


def agreement_by_round(report: dict[str, Any]) -> Table:
    rows: list[Row] = [(f"round {row['round']}", *share(row)) for row in report["agreement"]["by_round"]]
    columns = ("round", "value", "95% low", "95% high", "prompts")
    return Table("Agreement of trainers by round", columns, rows, frozenset({1, 2, 3}))


def people(report: dict[str, Any]) -> Table:
    rows: list[Row] = [
        (
            row["a"],
            row["b"],
            row["pairs"],
            *share(row["tie_excluded"])[:3],
            row["strict"]["value"],
            row["tie_discounted"]["value"],
        )
        for row in report["agreement"]["by_pair_of_people"]
    ]
    columns = ("one", "other", "pairs", "agreement", "95% low", "95% high", "strict", "tie-discounted")
    return Table("Agreement by pair of trainers", columns, rows, frozenset(range(3, 8)))


def models(report: dict[str, Any]) -> Table:
    rows: list[Row] = []
    for row in report["ratings"]["models"]:
        luce, equal, elo = row["plackett_luce"] or {}, row["style_held_equal"], row["elo"]
        rows.append((
            row["name"], row["pairs"], row["win_rate"], elo["value"], elo["low"], elo["high"],
            row["bradley_terry"]["value"], luce.get("value"), equal["value"], equal["low"], equal["high"],
        ))  # fmt: skip
    columns = (
        "model version", "pairs", "win rate", "Elo", "95% low", "95% high", "Bradley-Terry", "Plackett-Luce",
        "style held equal", "95% low ", "95% high ",
    )  # fmt: skip
    return Table("Model versions", columns, rows, frozenset({2}))


def matrix(report: dict[str, Any]) -> Table:
    rows: list[Row] = [
        (row["name"], row["against"], row["pairs"], row["points"] / row["pairs"]) for row in report["ratings"]["matrix"]
    ]
    return Table("Win rates", ("model version", "against", "pairs", "win rate"), rows, frozenset({3}))


def effects(report: dict[str, Any]) -> Table:
    rows: list[Row] = [(name, e["value"], e["low"], e["high"]) for name, e in report["bias"].get("effects", {}).items()]
    return Table("Effects with model strength held equal (log-odds)", ("effect", "value", "95% low", "95% high"), rows)


def positions(report: dict[str, Any]) -> Table:
    found = report["bias"]["position"]
    rows: list[Row] = [
        (place, shown, won, expected)
        for place, (shown, won, expected) in enumerate(
            zip(found["exposures"], found["wins"], found["expected"], strict=True), start=1
        )
    ]
    return Table("First places by place on the screen", ("place", "shown", "put first", "expected by chance"), rows)


def trainers(report: dict[str, Any]) -> Table:
    rows: list[Row] = [
        (
            row["person"], row["rankings"], row["share"], *row["share_interval"], row["median_seconds"],
            *share(row["agreement"])[:3], row["calibration_pairs"], row["calibration_right"],
            "ALARM" if row["drift_alarm"] else "",
        )
        for row in report["trainers"]
    ]  # fmt: skip
    columns = (
        "trainer", "rankings", "share", "95% low", "95% high", "median seconds", "agreement", "95% low ", "95% high ",
        "calibration pairs", "right", "drift",
    )  # fmt: skip
    return Table("Trainers", columns, rows, frozenset({2, 3, 4, 6, 7, 8, 10}))


def repeats(report: dict[str, Any]) -> Table:
    rows: list[Row] = [(row["person"], row["repeats"], *share(row)[:3]) for row in report["intra_rater"]]
    columns = ("trainer", "repeats", "agreement", "95% low", "95% high")
    return Table("Agreement with oneself", columns, rows, frozenset({2, 3, 4}))


def suggestions(report: dict[str, Any]) -> Table:
    rows: list[Row] = [
        (
            row["week"], row["verbatim"], row["edited"], row["own"], *share(row["verbatim_share"])[:3],
            *share(row["edit_ratio"])[:3],
        )
        for row in report["suggestions"]["by_week"]
    ]  # fmt: skip
    columns = (
        "week of", "verbatim", "edited", "own words", "verbatim share", "95% low", "95% high", "share changed",
        "95% low ", "95% high ",
    )  # fmt: skip
    return Table("Turns of demonstrations by origin", columns, rows, frozenset(range(4, 10)))


def speed(report: dict[str, Any]) -> Table:
    found = report["bias"]["speed"]
    rows: list[Row] = [
        (f"{what}: {who}", *share(found[key][part]))
        for what, key in (("the longer text wins", "longer_wins"), ("the text shown earlier wins", "earlier_wins"))
        for who, part in (("quickest quarter", "quick"), ("the others", "others"), ("difference", "difference"))
        if found[key]
    ]
    columns = ("share of pairs", "value", "95% low", "95% high", "prompts")
    return Table("Quick rankings and the others", columns, rows, frozenset({1, 2, 3}))


def throughput(report: dict[str, Any]) -> Table:
    rows: list[Row] = [(row["day"], row["rankings"], row["dialogues"]) for row in report["throughput"]]
    return Table("Work by day", ("day", "rankings", "dialogues"), rows)


TABLES: dict[str, Callable[[dict[str, Any]], Table]] = {
    "agreement": agreement, "agreement-by-round": agreement_by_round, "people": people, "models": models,
    "win-rates": matrix, "effects": effects, "positions": positions, "trainers": trainers, "repeats": repeats,
    "suggestions": suggestions, "speed": speed, "throughput": throughput,
}  # fmt: skip


def to_csv(table: Table) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([name.strip() for name in table.columns])
    writer.writerows(csv_safe.row(row) for row in table.rows)
    return out.getvalue()


def shown(cell: Cell, is_share: bool) -> str:
    """A cell as the page writes it."""
    if cell is None:
        return "–"
    if isinstance(cell, float):
        if is_share:
            return f"{cell:.1%}"
        return f"{cell:,.0f}" if abs(cell) >= 20 else f"{cell:.3f}".rstrip("0").rstrip(".") or "0"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def display(table: Table) -> dict[str, Any]:
    """For the template: heads and cells with whether they are numbers."""
    numeric = [any(isinstance(row[at], int | float) for row in table.rows) for at in range(len(table.columns))]
    body: Sequence[list[tuple[str, bool]]] = [
        [(shown(cell, at in table.shares), numeric[at]) for at, cell in enumerate(row)] for row in table.rows
    ]
    return {"caption": table.caption, "heads": list(zip(table.columns, numeric, strict=True)), "body": body}
