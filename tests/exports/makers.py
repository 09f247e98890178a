"""Helpers of the export tests: write a folder, read it back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management import call_command

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
