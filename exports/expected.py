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
        SELECT (SELECT count(*) FROM labeling_prompt WHERE project_id = %(project)s AND created_at <= %(cutoff)s)
             + (SELECT count(*) FROM labeling_comparison WHERE project_id = %(project)s AND opened_at <= %(cutoff)s)
    """,
    "raw": f"SELECT {{rows}} FROM ({archive.RAW_IDS}) ids",
}


def rows(view: Snapshot, params: Mapping[str, Any], written: Iterable[tuple[ModuleType, str]]) -> int:
    """Rows of these configurations and renderings, each with the source of its records."""
    total = 0
    for module, source in written:
        sql = _RECORDS[source].replace("{rows}", getattr(module, "EXPECTED", "count(*)"))
        total += int(view.query(sql, params)[0][0])
    return total
