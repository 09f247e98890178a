"""Whatever stands in a file: records in = stored + already there + refused with line and reason, and no traceback."""

from __future__ import annotations

import html
import json
import random

import pytest
from django.test import Client

from accounts.models import User
from labeling import imports
from labeling.importers.base import IMPORTERS
from labeling.imports.reporting import ERRORS_KEPT, Refusal
from labeling.models import Comparison, Dialogue, Project, Prompt, Ranking, TurnFeedback
from tests.labeling.import_examples import EXAMPLES
from tests.labeling.import_fuzz import records
from tests.labeling.importing import run, uploaded

CHOICES = IMPORTERS.choices()
KINDS = ("prompts", "demonstrations", "comparisons")


def check(report: imports.Report, lines: list[str]) -> None:
    full = [number for number, line in enumerate(lines, start=1) if line.strip()]
    assert report.rows == len(full)
    assert report.rows == report.imported + report.already_there + report.rejected
    check_errors(report.errors, len(lines))
    assert len(report.errors) == min(report.rejected, ERRORS_KEPT)
    json.dumps(report.to_dict()).encode()


def check_errors(errors: list[Refusal], lines: int) -> None:
    assert [error for error in errors if not (1 <= error["line"] <= lines and error["reason"].endswith("."))] == []
    assert len({error["line"] for error in errors}) == len(errors)


def data_of(lines: list[str]) -> bytes:
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def fuzz(project: Project, n: int, seed: int) -> tuple[int, int]:
    """Import n records over all formats, half of them as what they are; how many were stored and refused."""
    rng, stored, refused = random.Random(seed), 0, 0
    for number, format in enumerate(CHOICES):
        for kind in ("", KINDS[(number + seed) % len(KINDS)]):
            first = json.dumps(EXAMPLES[format][0])  # that of a file says what kind of file it is
            lines = [first, *records(rng, n // len(CHOICES) // 2, format)]
            source = f"{format} {kind} {seed}"
            report = run(project, format, data_of(lines), source=source, kind=kind)
            check(report, lines)
            again = run(project, format, data_of(lines), source=source, kind=kind)
            check(again, lines)
            assert again.imported == 0, (format, kind, again.made)
            stored, refused = stored + report.imported, refused + report.rejected
    return stored, refused


def test_two_thousand_generated_records_are_stored_or_refused(project: Project) -> None:
    stored, refused = fuzz(project, 2_000, seed=1)
    assert stored > 400
    assert refused > 500
    assert Dialogue.objects.exists()
    assert Comparison.objects.exists()
    assert Prompt.objects.exists()
    assert Ranking.objects.exists()
    assert TurnFeedback.objects.exists()


@pytest.mark.slow
def test_twenty_thousand_generated_records_are_stored_or_refused(project: Project) -> None:
    both = [fuzz(project, 2_000, seed=100 + seed) for seed in range(10)]
    stored, refused = (sum(counts) for counts in zip(*both, strict=True))
    assert stored + refused >= 15_000  # the others were there already
    assert stored > 4_000
    assert refused > 4_000


def upload(client: Client, project: Project, lines: list[str], **form: str) -> tuple[int, int]:
    """How many records of a file were stored or there already, and refused; of one refused whole, all of them."""
    page = uploaded(client, project, data_of(lines), **form)
    assert page.status_code == 200
    full = sum(bool(line.strip()) for line in lines)
    run, report = page.context["run"], page.context["report"]
    if run.state == "failed":
        assert run.error.endswith(".")
        assert "fault of ours" not in run.error
        assert run.error in html.unescape(page.content.decode())
        return 0, full
    assert report["rows"] == full == report["imported"] + report["already_there"] + report["rejected"]
    check_errors(report["errors"], len(lines))
    assert len(report["errors"]) == report["rejected"]
    return full - report["rejected"], report["rejected"]


@pytest.mark.slow
def test_two_thousand_generated_records_through_the_upload_page(
    project: Project, client: Client, operator: User
) -> None:
    client.force_login(operator)
    rng = random.Random(7)
    stored, refused = 0, 0
    for format in ["", *CHOICES]:
        for dry_run in ("", "on"):
            first = json.dumps(EXAMPLES[format][0]) if format else '{"prompt": "Why?", "completion": "So."}'
            lines = [first, *records(rng, 50, format)]
            kept, lost = upload(client, project, lines, format=format, **({"dry_run": dry_run} if dry_run else {}))
            stored, refused = stored + kept, refused + lost
    assert stored + refused >= 2_000
    assert stored > 400
    assert refused > 400


@pytest.mark.parametrize("seed", range(3))
def test_generated_files_of_any_kind_are_read_or_refused_whole(project: Project, seed: int) -> None:
    """Bytes turned and cut, arrays, indented objects: the counts hold, or one sentence refuses the file."""
    rng = random.Random(seed)
    for _ in range(25):
        lines = list(records(rng, 12))
        data = bytearray(rng.choice(["\n", ",\n"]).join(lines).encode("utf-8", "surrogatepass"))
        data = bytearray(b"[" + data + b"]") if rng.random() < 0.5 else data
        for _ in range(rng.randrange(4)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        try:
            report = run(project, rng.choice(CHOICES), bytes(data), source="bytes")
        except imports.Unreadable as refused:
            assert str(refused).endswith(".")  # noqa: PT017 - either outcome is right
            continue
        assert report.rows == report.imported + report.already_there + report.rejected
        assert len(report.errors) == report.rejected
