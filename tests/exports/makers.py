"""Helpers of the export tests: write a folder, read it back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeVar, overload

from django.core.management import call_command

from accounts.models import User
from common.shapes import Message
from exports.formats.preferences import Pair
from exports.formats.prompts import PromptRow
from exports.formats.rankings import Judgement
from exports.formats.ratings import Rating
from exports.formats.raw import Archived
from exports.formats.sft import Demonstration
from exports.renderings.hh import Transcripts
from exports.renderings.soft import ScoredPair
from exports.sources.rankings import Answer, RankingRecord
from exports.writing.manifest import Manifest
from labeling.ai_judges import asking, settling
from labeling.models import AiVerdict, Comparison, Dialogue, Project
from tests import makers


def export(project: Project, folder: Path, *options: str) -> Manifest:
    """Run the command and return the manifest."""
    call_command("export", project.slug, "--out", str(folder), *options, verbosity=0)
    manifest: Manifest = json.loads((folder / "manifest.json").read_text())
    return manifest


@overload
def rows(folder: Path, config: Literal["preferences"], split: str = "") -> list[Pair]: ...
@overload
def rows(folder: Path, config: Literal["rankings"], split: str = "") -> list[Judgement]: ...
@overload
def rows(folder: Path, config: Literal["sft"], split: str = "") -> list[Demonstration]: ...
@overload
def rows(folder: Path, config: Literal["prompts"], split: str = "") -> list[PromptRow]: ...
@overload
def rows(folder: Path, config: Literal["ratings"], split: str = "") -> list[Rating]: ...
@overload
def rows(folder: Path, config: Literal["raw"], split: str = "") -> list[Archived]: ...
@overload
def rows(folder: Path, config: Literal["soft"], split: str = "") -> list[ScoredPair]: ...
@overload
def rows(folder: Path, config: Literal["hh"], split: str = "") -> list[Transcripts]: ...
@overload
def rows(folder: Path, config: str, split: str = "") -> Sequence[Mapping[str, object]]: ...
def rows(folder: Path, config: str, split: str = "") -> Sequence[Mapping[str, object]]:
    """Rows of a configuration, both splits, in the order of the files."""
    return [
        json.loads(line)
        for path in sorted((folder / config).glob(f"{split}*.jsonl"))
        for line in path.read_text().split("\n")[:-1]
    ]


def prompts_of(folder: Path, config: str, split: str) -> list[list[Message]]:
    """The prompts of one split, whatever the configuration calls the column."""
    found = []
    for row in rows(folder, config, split):
        prompt = row.get("prompt") or row["context"]
        assert isinstance(prompt, list)
        found.append(prompt)
    return found


T = TypeVar("T")


def given(value: T | None) -> T:
    """What the test made must be there: an assignment, a row, a claimed run."""
    assert value is not None
    return value


def everything(folder: Path) -> str:
    """All the text of a folder in one string."""
    return "\n".join(path.read_text() for path in sorted(folder.rglob("*")) if path.is_file())


def make_judged(project: Project, *, dialogue: Dialogue | None = None, author: User | None = None) -> Comparison:
    """A comparison of two, of which the judge prefers the second in both orders."""
    comparison = makers.make_comparison(project, k=2, dialogue=dialogue, author=author)
    asking.ask()
    (_, second) = comparison.texts
    for verdict in AiVerdict.objects.filter(said="", judgement__comparison=comparison).select_related("request"):
        makers.answer(verdict.request, f"Of course.\nVERDICT: {1 if str(verdict.first_id) == second else 2}")
    settling.settle()
    return comparison


def make_ranking_record(groups: list[list[str]], texts: dict[str, str]) -> RankingRecord:
    """A vote in force on completions of these texts, as no database made it."""
    answers = [
        Answer(id=cid, model_version=None, label="m", params={}, finish_reason="stop", weights_hash=None, text=text)
        for cid, text in texts.items()
    ]
    return RankingRecord(
        id="r", split="train", source="", author=None, dialogue=None, comparison="c", trainer=1, kind="vote",
        submitted_at="2026-11-22T10:00:00.000000Z", undone_at=None, superseded_at=None, reviews=None, golds=None,
        not_rankable="", groups=groups, ratings={}, flags={}, strengths=[],
        criteria={}, scales=[], spans={}, reading={}, order_shown=list(texts), seconds=None,
        label_weight=None, note="", guideline=None, comparison_kind="normal", comparison_state="closed",
        discarded_at=None, turn=None,
        round=None, selection="", selection_margin=None, prompt=[{"role": "user", "content": "Hi"}], answers=answers,
    )  # fmt: skip
