"""`manifest.json`: what is in the folder, from what, with which settings. Written last."""

from __future__ import annotations

import hashlib
import platform
import tomllib
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import version
from typing import TypedDict

from django.conf import settings
from django.db import connection
from django.utils import timezone

from common.shapes import JsonObject
from exports.selection.project import Facts
from exports.selection.votes import Summary
from exports.snapshot import instant
from exports.writing.counts import Counts
from exports.writing.files import Listed, Stored
from exports.writing.rows import Rows
from labeling.published import Published, Terms

FORMAT_VERSION = 9  # one more with any new column, and where `raw` tells more: tests/exports/test_columns.py
PACKAGES = ("psycopg2-binary", "orjson", "zstandard", "pyarrow", "Django")
SPLIT_METHODS = {
    "prompt": "by the hash of the normalised first user turn: equal prompts are on one side",
    "author": "by the hash of the author; test rows with an equal or nearly equal prompt in train are left out",
}


class Split(TypedDict):
    method: str
    by: str
    salt_id: str
    test_share: float


class Mixed(TypedDict):
    weight: float
    available: int
    written: int


class Manifest(TypedDict):
    """All but `export_id` and `created_at` follows from the data, the cutoff and the options."""

    format_version: int
    export_id: str
    created_at: str
    project: dict[str, str]
    generator: dict[str, str]
    packages: dict[str, str]
    cutoff: str
    filters: JsonObject
    split: Split
    counts: Mapping[str, int | dict[str, int]]
    excluded: dict[str, int]
    excluded_by_config: dict[str, dict[str, int]]
    mix: dict[str, Mixed]
    agreement: Summary | None
    guidelines: list[Published]
    terms: list[Terms]
    query: dict[str, str]
    files: list[Listed]


def build(*, facts: Facts, rows: Rows, files: Sequence[Stored], export_id: uuid.UUID) -> Manifest:
    project, options, counts = facts.project, facts.options, rows.counts
    return {
        "format_version": FORMAT_VERSION,
        "export_id": str(export_id),
        "created_at": instant(timezone.now()),
        "project": {"id": str(project.pk), "slug": project.slug, "title": project.title},
        "generator": {"name": "duologue", "version": version_of_duologue()},
        "packages": {
            "python": platform.python_version(),
            "postgresql": _postgresql(),
            **{name: version(name) for name in PACKAGES},
        },
        "cutoff": facts.cutoff,
        "filters": options.to_dict(),
        "split": {
            "method": SPLIT_METHODS[project.split_by],
            "by": str(project.split_by),  # of a project just made it is a member of the choices
            "salt_id": salt_id(project.split_salt),
            "test_share": project.test_share,
        },
        "counts": _counts(counts),
        "excluded": dict(sorted(counts.excluded.items())),
        "excluded_by_config": {name: dict(sorted(some.items())) for name, some in sorted(counts.by_config.items())},
        "mix": {
            source: {"weight": weight, "available": len(counts.available[source]), "written": counts.mixed[source]}
            for source, weight in options.mix
        },
        "agreement": facts.agreement,
        "guidelines": facts.guidelines,
        "terms": facts.terms,
        "query": {source.name: " ".join(source.query(options).split()) for source in rows.outputs.sources},
        "files": [file.listed() for file in files],
    }


def _counts(counts: Counts) -> Mapping[str, int | dict[str, int]]:
    found = Counter(counts.counts)
    found.update(counts.redacted)
    first = {name: found[name] for name in ("rankings", "pairs", "ties")}
    return {
        **first,
        **{name: n for name, n in sorted(found.items()) if name not in first},
        "judges": len(counts.judges),
        "by K": {str(k): n for k, n in sorted(counts.by_k.items())},
    }


@cache
def version_of_duologue() -> str:
    with (settings.BASE_DIR / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])


def salt_id(salt: str) -> str:
    """Names the salt without giving it away."""
    return hashlib.sha256(f"salt:{salt}".encode()).hexdigest()[:12]


def _postgresql() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        return str(cursor.fetchone()[0]).split(" ")[0]
