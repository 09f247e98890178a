"""How many rows an export will have at about, counted before the first is written: what progress is
measured against. Nothing is judged here, so rows that rules leave out are counted; the run's row gets
the true number when it is finished.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any

from exports import archive, records
from exports.snapshot import Snapshot

_RECORDS = {
    "rankings": """
        SELECT {rows} FROM labeling_ranking r JOIN labeling_comparison c ON c.id = r.comparison_id
        WHERE c.project_id = %(project)s AND r.submitted_at <= %(cutoff)s
          AND (r.undone_at IS NULL OR r.undone_at > %(cutoff)s)
    """,
    "turns": f"SELECT {{rows}} FROM ({records.TURN_IDS}) ids",
    "feedback": f"SELECT {{rows}} FROM ({records.FEEDBACK_IDS}) ids",
    "prompts": """
        SELECT {rows} FROM (
            SELECT id FROM labeling_prompt WHERE project_id = %(project)s AND created_at <= %(cutoff)s
            UNION ALL
            SELECT id FROM labeling_comparison WHERE project_id = %(project)s AND opened_at <= %(cutoff)s
        ) ids
    """,
    "raw": f"SELECT {{rows}} FROM ({archive.RAW_IDS}) ids",
}


def counted(view: Snapshot, params: Mapping[str, Any], source: str, modules: Iterable[ModuleType]) -> tuple[int, int]:
    """The records of a source, and the rows of these configurations and renderings made of them."""
    wanted = ["count(*)", *(getattr(module, "EXPECTED", "count(*)") for module in modules)]
    ((found, *rows),) = view.query(_RECORDS[source].replace("{rows}", ", ".join(wanted)), params)
    return int(found), sum(map(int, rows))
