"""`manifest.json`: what is in the folder, from what, with which settings. Written last."""

from __future__ import annotations

import hashlib
import platform
import tomllib
import uuid
from collections import Counter
from functools import cache
from importlib.metadata import version
from typing import Any

import django
from django.conf import settings
from django.db import connection
from django.utils import timezone

from exports import archive, records
from exports.records import instant
from exports.scopes import Ground
from exports.tally import Tally

FORMAT_VERSION = 1
PACKAGES = ("Django", "psycopg2-binary", "orjson", "zstandard", "pyarrow")
SPLIT_METHODS = {
    "prompt": "by the hash of the normalised first user turn: equal prompts are on one side",
    "author": "by the hash of the author; test rows with an equal or nearly equal prompt in train are left out",
}


def build(*, ground: Ground, tally: Tally, export_id: uuid.UUID) -> dict[str, Any]:
    """The manifest without its `files`. All but `export_id` and `created_at` follows from the data, the
    cutoff and the options."""
    project, found = ground.project, Counter(tally.counts)
    found.update(tally.redacted)
    counts = {name: found[name] for name in ("rankings", "pairs", "ties")}
    queries = {
        "rankings": records.ranking_queries(by_comparison=bool(ground.options.consensus)),
        "turns": (records.TURN_IDS, records.TURNS),
        "feedback": (records.FEEDBACK_IDS, records.FEEDBACK),
        "prompts": (records.PROMPT_IDS, records.PROMPTS),
        "raw": (archive.RAW_IDS, archive.RAW),
    }
    return {
        "format_version": FORMAT_VERSION,
        "export_id": str(export_id),
        "created_at": instant(timezone.now()),
        "project": {"id": project.pk, "slug": project.slug, "title": project.title},
        "generator": {"name": "duologue", "version": version_of_duologue()},
        "packages": {
            "python": platform.python_version(),
            "postgresql": _postgresql(),
            **{name: version(name) for name in PACKAGES if name != "Django"},
            "Django": django.get_version(),
        },
        "cutoff": ground.at,
        "filters": ground.options.to_dict(),
        "split": {
            "method": SPLIT_METHODS[project.split_by],
            "by": project.split_by,
            "salt_id": salt_id(project.split_salt),
            "test_share": project.test_share,
        },
        "counts": {
            **counts,
            **{name: n for name, n in sorted(found.items()) if name not in counts},
            "judges": len(tally.judges),
            "by K": {str(k): n for k, n in sorted(tally.by_k.items())},
        },
        "excluded": dict(sorted(tally.excluded.items())),
        "excluded_by_config": {
            name: dict(sorted(counter.items())) for name, counter in sorted(tally.by_config.items())
        },
        "mix": {
            source: {"weight": weight, "available": tally.available[source], "written": tally.mixed[source]}
            for source, weight in ground.options.mix
        },
        "agreement": ground.agreement,
        "guidelines": ground.guidelines,
        "query": {name: [" ".join(text.split()) for text in pair] for name, pair in queries.items()},
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
