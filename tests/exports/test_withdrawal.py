"""Whoever withdraws is in no later file and in no column, wherever their words were copied to."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.models import IdempotentReply, User
from exports import runs
from exports.formats.base import FORMATS
from exports.options import Options, parse_instant
from exports.renderings.base import RENDERINGS
from labeling import (
    dialogues,
    stock,
)
from labeling.errors import Gone
from labeling.models import Comparison, Dialogue, Project, Ranking, ReplyRequest, SuggestionRequest, Turn
from labeling.quality import hidden
from labeling.withdrawal import WITHDRAWN, withdraw
from sampler import results
from sampler.models import SampleRequest
from tests import makers
from tests.exports.copied import MARK, Copied
from tests.exports.makers import export, given, rows

EVERYTHING = {"configs": FORMATS.choices(), "renderings": RENDERINGS.choices(), "include_reasoning": True}
OLD: dict[str, dict[str, object]] = {
    "usual": {**EVERYTHING},
    "all kinds": {**EVERYTHING, "kinds": ["normal", "calibration", "exam", "repeat"], "include_truncated": True},
}


@pytest.fixture
def copied(db: None) -> Copied:
    return Copied()


def columns() -> Iterator[tuple[str, str]]:
    """Every row of every table, as text."""
    for model in apps.get_models(include_auto_created=True):
        for row in model._default_manager.values():
            for name, value in row.items():
                yield f"{model._meta.label}.{name}", str(value)


def found(mark: str) -> set[str]:
    return {name for name, text in columns() if mark in text}


def test_after_every_kind_of_copy_a_withdrawal_leaves_no_word_in_any_column_or_export(
    copied: Copied, tmp_path: Path
) -> None:
    project = copied.project
    copied.archived(tmp_path / "archive")
    before = {name: write(project, tmp_path / name, options) for name, options in OLD.items()}
    for name in OLD:
        assert MARK in said(tmp_path / name)
    # The walk sees what it is to find, in every column that a person's words are copied to.
    assert {
        "labeling.Turn.text", "labeling.Dialogue.composer", "labeling.Comparison.prompt", "labeling.Prompt.messages",
        "labeling.Prompt.source", "labeling.Comparison.explanation", "labeling.Ranking.note",
        "labeling.Ranking.not_rankable", "labeling.Assignment.draft", "labeling.Assignment.skip_reason",
        "labeling.TurnFeedback.comment", "labeling.TurnFeedback.reasons", "labeling.Review.comment",
        "sampler.Completion.text", "sampler.SampleRequest.prompt", "sampler.SampleRequest.partial",
        "sampler.SampleRequest.error", "accounts.IdempotentReply.body", "moderation.Verdict.text",
        "moderation.VerdictFeedback.comment", "moderation.VerdictFeedback.earlier",
    } <= found(MARK)  # fmt: skip
    rankings_before = Ranking.objects.count()
    withdraw(project=project, user=copied.kat)
    late = results.Result(drawn=[])
    assert not results.complete(request_id=copied.running.pk, attempt=1, result=late)  # its worker stores nothing
    assert found(MARK) == set()
    assert Ranking.objects.count() == rankings_before
    for name, options in OLD.items():
        full = write(project, tmp_path / f"{name} full", options)
        write(project, tmp_path / f"{name} as of then", options, before[name])
        write(project, tmp_path / f"{name} delta", {**options, "since": before[name]}, full)
        for written in ("full", "as of then", "delta"):
            assert MARK not in said(tmp_path / f"{name} {written}"), (name, written)
            assert WITHDRAWN not in said(tmp_path / f"{name} {written}"), (name, written)
        joined = join(tmp_path / name, tmp_path / f"{name} delta")
        assert joined == {config: texts(tmp_path / f"{name} full", config) for config in FORMATS.choices()}, name
        assert MARK not in str(joined)


def write(project: Project, folder: Path, options: dict[str, object], cutoff: str = "") -> str:
    """An export with options that the command does not have; returns its cutoff."""
    run = runs.request(
        project=project,
        trigger="command",
        options=Options.from_dict(options),
        cutoff=parse_instant(cutoff) if cutoff else None,
        ring=False,
    )
    done = runs.execute(run=given(runs.claim(run_id=str(run.pk))), target=folder)
    return str(given(done.manifest)["cutoff"])


def said(folder: Path) -> str:
    """All the text of a folder, of Parquet files too."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return "\n".join(
        str(pq.read_table(path).to_pylist()) if path.suffix == ".parquet" else path.read_text() for path in files
    )


def texts(folder: Path, config: str) -> list[str]:
    return sorted(json.dumps(row) for row in rows(folder, config))


def join(old: Path, delta: Path) -> dict[str, list[str]]:
    """The rows of the old export, less those that a tombstone names, and those of the delta."""
    told = [json.loads(line) for line in (delta / "tombstones.jsonl").read_text().splitlines()]
    gone = {(config, one["id"]) for one in told for config in one["configs"]}
    return {
        config: sorted(
            [json.dumps(row) for row in rows(old, config) if (config, row.get("ranking_id", row["id"])) not in gone]
            + texts(delta, config)
        )
        for config in FORMATS.choices()
    }


def test_what_others_did_stays_where_it_rests_on_nothing_of_hers(copied: Copied, tmp_path: Path) -> None:
    withdraw(project=copied.project, user=copied.kat)
    export(copied.project, tmp_path / "x", "--config", "rankings,ratings,sft,raw")
    assert [row["id"] for row in rows(tmp_path / "x", "rankings")] == [str(copied.kept.pk)]
    (rating,) = rows(tmp_path / "x", "ratings")
    assert (rating["dialogue_id"], rating["label"]) == (str(copied.others.pk), True)
    assert rows(tmp_path / "x", "sft") == []  # tom's ideal answers and tim's demonstration answered her
    for emptied in (copied.ideal, copied.mended, copied.demonstration):
        assert set(emptied.turns.values_list("text", flat=True)) == {WITHDRAWN}
    assert Turn.objects.filter(dialogue=copied.others, text=WITHDRAWN).count() == 0
    copied.hers.refresh_from_db()
    assert (copied.hers.note, copied.hers.undone_at) == ("", None)


def test_nothing_new_is_made_from_what_was_withdrawn(copied: Copied) -> None:
    pool = copied.pool
    withdraw(project=copied.project, user=copied.kat)
    with pytest.raises(Gone):
        dialogues.start_dialogue(project=copied.project, author=copied.tim, kind="demonstration", prompt=pool)
    with pytest.raises(Gone):
        hidden.hand_to(original=copied.drawn, trainer=copied.tim, kind="repeat")
    made = Comparison.objects.count(), Dialogue.objects.count()
    hidden.keep_hidden()
    stock.keep_stock()
    assert (Comparison.objects.count(), Dialogue.objects.count()) == made


def test_the_same_key_is_answered_with_gone(copied: Copied) -> None:
    withdraw(project=copied.project, user=copied.kat)
    assert set(IdempotentReply.objects.values_list("status", flat=True)) == {410}


def test_without_a_terminal_the_command_says_what_to_pass_and_does_nothing(
    project: Project, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = makers.make_demonstration(project, alice)
    monkeypatch.setattr("sys.stdin", io.StringIO("yes\n"))
    with pytest.raises(CommandError, match="--yes"):
        call_command("withdraw", project.slug, "alice", verbosity=0)
    assert not made.turns.filter(text=WITHDRAWN).exists()
    assert project.memberships.get(user=alice).withdrawn_at is None
    call_command("withdraw", project.slug, "alice", "--yes", verbosity=0)
    assert set(made.turns.values_list("text", flat=True)) == {WITHDRAWN}


def origins() -> dict[str, object]:
    """Where copies say that they come from; requests by the author of their dialogue, whose versions hold one text."""
    told: dict[str, object] = {
        f"{pk} copied from": origin
        for pk, origin in Comparison.objects.filter(copied_from__isnull=False).values_list("pk", "copied_from")
    }
    told |= {
        f"{pk} answers": of
        for pk, of in Dialogue.objects.filter(answer_to__isnull=False).values_list("pk", "answer_to")
    }
    for asked in (ReplyRequest, SuggestionRequest):
        rows = asked._default_manager.values_list("request", "dialogue__author")
        told |= {f"{request} asked by": author for request, author in rows}
    return told


def test_the_migration_finds_the_origins_of_copies_made_before(copied: Copied) -> None:
    before = origins()
    Comparison.objects.update(copied_from=None)
    Dialogue.objects.update(answer_to=None)
    for asked in (ReplyRequest, SuggestionRequest):
        asked._default_manager.all().delete()
    migration = import_module("labeling.migrations.0016_origins_of_copies_made_before")
    with connection.cursor() as cursor:
        for _ in range(2):  # run again, it finds nothing else
            cursor.execute(migration.FORWARD)
    after = origins()
    lost = {
        f"{request.pk} asked by" for request in SampleRequest.objects.filter(state="failed")
    }  # its turn was deleted
    lost |= {f"{copied.mended.pk} answers"}  # found by the dialogue that it supersedes
    assert {name: origin for name, origin in before.items() if name not in lost} == after
