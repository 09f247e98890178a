"""A site may stand under a path of its host (`DUOLOGUE_URL=https://host/label/`), so every address is made by Django:
no script, template or view holds one that begins at the host."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.structure import measure

BASE = measure.BASE
FROM_THE_HOST = {
    ".js": r"[\"'`(]/(?![/*])[\w/]*[?#\"'`$]",
    ".html": r"[\w-]=[\"']?/(?!/)",
    ".py": r"(redirect|Redirect|Location|back|address|url)\W*[(=:,]\s*f?[\"']/([\"']|\w)",
}


def files() -> Iterator[Path]:
    yield from (BASE / "static/js").glob("*.js")
    yield from (BASE / "templates").rglob("*.html")
    yield from (path for path in measure.tracked() if not path.is_relative_to(BASE / "tests"))


def test_no_address_begins_at_the_host() -> None:
    found = {
        f"{path.relative_to(BASE)}: {line.strip()[:120]}"
        for path in files()
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(FROM_THE_HOST[path.suffix], line)
    }
    assert not found


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        (".js", 'location.assign("/")'),
        (".js", "fetch(`/api/v1/${name}`)"),
        (".html", '<a href="/history/">'),
        (".py", 'return redirect("/history/")'),
        (".py", 'back = "/"'),
    ],
)
def test_one_would_be_found(kind: str, line: str) -> None:
    assert re.search(FROM_THE_HOST[kind], line)
