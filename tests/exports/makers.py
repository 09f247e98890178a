"""Helpers of the export tests: write a folder, read it back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management import call_command

from exports.sources.rankings import Answer, RankingRecord
from labeling.models import Project


def export(project: Project, folder: Path, *options: str) -> dict[str, Any]:
    """Run the command and return the manifest."""
    call_command("export", project.slug, "--out", str(folder), *options, verbosity=0)
    manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return manifest


def rows(folder: Path, config: str, split: str = "") -> list[dict[str, Any]]:
    """Rows of a configuration, both splits, in the order of the files."""
    return [
        json.loads(line)
        for path in sorted((folder / config).glob(f"{split}*.jsonl"))
        for line in path.read_text().split("\n")[:-1]
    ]


def everything(folder: Path) -> str:
    """All the text of a folder in one string."""
    return "\n".join(path.read_text() for path in sorted(folder.rglob("*")) if path.is_file())


def make_ranking_record(groups: list[list[str]], texts: dict[str, str]) -> RankingRecord:
    """A vote in force on completions of these texts, as no database made it."""
    answers = [
        Answer(id=cid, model_version=None, label="m", params={}, finish_reason="stop", weights_hash=None, text=text)
        for cid, text in texts.items()
    ]
    return RankingRecord(
        id="r", split="train", source="", author=None, dialogue=None, comparison="c", trainer=1, kind="vote",
        submitted_at="2026-11-22T10:00:00.000000Z", undone_at=None, superseded_at=None, reviews=None, not_rankable="",
        groups=groups, ratings={}, flags={}, strengths=[], order_shown=list(texts), seconds=None, label_weight=None,
        note="", guideline=None, comparison_kind="normal", comparison_state="closed", discarded_at=None, turn=None,
        round=None, prompt=[{"role": "user", "content": "Hi"}], answers=answers,
    )  # fmt: skip
