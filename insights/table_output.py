"""A table as CSV and as the page writes it."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

from common import csv_safe
from insights.tables import Cell, Row, Table


def to_csv(table: Table) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([name.strip() for name in table.columns])
    writer.writerows(csv_safe.row(row) for row in table.rows)
    return out.getvalue()


@dataclass(frozen=True)
class Shown:
    """For the template: heads and cells with whether they are numbers."""

    name: str
    caption: str
    heads: list[tuple[str, bool]]
    body: list[list[tuple[str, bool]]]


def shown(table: Table, name: str) -> Shown:
    numeric = [not any(isinstance(row[at], str) for row in table.rows) for at in range(len(table.columns))]
    rows = [row for row in table.rows if not _says_nothing(row)]
    body = [[(_cell(cell, at in table.shares), numeric[at]) for at, cell in enumerate(row)] for row in rows]
    return Shown(name, table.caption, list(zip(table.columns, numeric, strict=True)), body)


def _says_nothing(row: Row) -> bool:
    """Whether no figure of the row is known yet: the page leaves it out, the file does not."""
    return None in row[1:] and all(cell is None or cell == 0 for cell in row[1:])


def _cell(cell: Cell, is_share: bool) -> str:
    """A cell as the page writes it."""
    if cell is None:
        return "–"
    if isinstance(cell, float):
        if is_share:
            return f"{cell:.1%}"
        return f"{cell:,.0f}" if abs(cell) >= 20 else f"{cell:.3f}".rstrip("0").rstrip(".") or "0"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)
