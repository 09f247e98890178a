"""Writes one export folder: every configuration in one pass over each kind of record, the manifest
last, then one rename. Knows nothing of runs, leases or retention (`exports/runs.py`).
"""

from __future__ import annotations

import json
import uuid
from datetime import datetime
from pathlib import Path

from common.folders import appearing
from exports.options import Options
from exports.selection import project as selected
from exports.snapshot import snapshot
from exports.storage import MANIFEST, README, SUMS
from exports.writing import card, manifest
from exports.writing.files import store
from exports.writing.rows import Progress, Rows
from labeling.models import Project


def write(
    *,
    project: Project,
    target: Path,
    cutoff: datetime,
    options: Options,
    export_id: uuid.UUID,
    progress: Progress = lambda rows: None,
    expect: Progress = lambda rows: None,
) -> manifest.Manifest:
    """Write the export as the folder `target` and return its manifest. `expect` is told once about how many rows
    there will be, `progress` how many there are.

    Nothing appears at `target` before everything is on the disk; a run that dies leaves at most a
    hidden sibling, which the next one removes.

    Raises:
        common.folders.FolderExists, exports.snapshot.Unsettled
    """
    with appearing(target.resolve()) as folder:
        with snapshot(cutoff) as view:
            facts = selected.read(view, project, cutoff, options)
            rows = Rows(folder=folder, facts=facts, progress=progress)
            expect(rows.outputs.expected(view, facts.parameters))
            rows.write(view)
        files = rows.finish()
        described = manifest.build(facts=facts, rows=rows, files=files, export_id=export_id)
        readme = card.text(project=project, files=files, outputs=rows.outputs.named, manifest=described,
                           lengths=rows.counts.lengths)  # fmt: skip
        _, readme_sum = store(folder / README, readme)
        store(folder / SUMS, _listing({file.path: file.sha256 for file in files} | {README: readme_sum}))
        store(folder / MANIFEST, json.dumps(described, ensure_ascii=False, indent=2, allow_nan=False) + "\n")
    return described


def _listing(sums: dict[str, str]) -> str:
    return "".join(f"{digest}  {path}\n" for path, digest in sorted(sums.items()))
