"""What an export writes can be imported, and then exported again with the same rows."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from accounts.models import User
from labeling import imports, projects
from labeling.feedback import give_feedback
from labeling.models import Project
from labeling.spans import Span
from tests import makers
from tests.exports.makers import export, rows

MEANT: dict[str, tuple[str, tuple[str, ...]]] = {
    # Of each configuration the format that reads it and the fields that say what was said and judged.
    "preferences": ("trl_preference", ("prompt", "chosen", "rejected")),
    "rankings": ("rankings", ("context", "completions", "scales")),
    "sft": ("trl_sft", ("prompt", "completion")),
    "prompts": ("trl_sft", ("prompt",)),
    "ratings": ("kto", ("prompt", "completion", "label")),
}


@pytest.fixture
def worked(project: Project, alice: User, bob: User) -> Project:
    """Votes of two people with ties, notes, grades on criteria and marks on words; a demonstration of two answers, a
    chat with a thumb, a prompt."""
    project.split_salt, project.test_share = "the same", 0.5
    project.save(update_fields=["split_salt", "test_share"])
    projects.change_settings(
        project=project, criteria=[{"name": "honest", "steps": 5}], span_categories=["rude", "off topic"]
    )
    for groups in ([[0], [1, 2], [3]], [[3], [2], [1], [0]], [[0, 1, 2, 3]]):
        comparison = makers.make_comparison(project, votes=2)
        ids = [str(pk) for pk in comparison.candidates.order_by("index").values_list("completion_id", flat=True)]
        mark: Span = {"start": 1, "end": 4, "category": "rude", "comment": "Why?"}
        makers.make_ranking(
            comparison, alice, groups=groups, note="Because.", criteria={ids[0]: {"honest": 2}}, spans={ids[1]: [mark]}
        )
        makers.make_ranking(comparison, bob, groups=groups)  # of one mind: two judgements all the same
    makers.make_demonstration(project, alice)
    chat = makers.make_chat(project, alice, turns=2, submit=True)
    give_feedback(turn=chat.turns.filter(role="assistant").latest("position"), user=alice, thumb_up=False)
    return project


def meant(folder: Path, config: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for row in rows(folder, config):
        found[json.dumps({name: kept(row[name]) for name in MEANT[config][1]}, sort_keys=True)] += 1
    return found


def kept(value: object) -> object:
    """The completions of a ranking by their rank and text: their ids are new, and so is the order of ties."""
    if isinstance(value, list) and value and isinstance(value[0], dict) and "rank" in value[0]:
        return sorted(
            (
                one["rank"],
                one["completion"][0]["content"],
                one["overall"],
                str(one["flags"]),
                str(one["criteria"]),
                str(one["spans"]),
            )
            for one in value
        )
    return value


def imported(folder: Path, config: str, name: str) -> Project:
    project = makers.make_project(name, split_salt="the same", test_share=0.5)
    for path in sorted((folder / config).iterdir()):
        with path.open("rb") as file:
            assert imports.detect(file) == MEANT[config][0]
            report = imports.run(project=project, format=MEANT[config][0], file=file, source="archive")
        assert report.rejected == 0, report.errors
    return project


@pytest.mark.parametrize("config", MEANT)
def test_a_configuration_imported_and_exported_again_says_the_same(
    worked: Project, tmp_path: Path, config: str
) -> None:
    export(worked, tmp_path / "first", "--config", config)
    assert meant(tmp_path / "first", config)
    again = imported(tmp_path / "first", config, "second")
    mixed: list[str] = [] if config == "prompts" else ["--mix", "archive=1"]
    export(again, tmp_path / "second", "--config", config, *mixed)
    assert meant(tmp_path / "second", config) == meant(tmp_path / "first", config)


RENDERED: dict[str, tuple[str, str]] = {
    # Of each rendering that says whole records: the configuration that it is made of, the format that reads it.
    "chat": ("sft", "openai"),
    "openai": ("preferences", "openai_preference"),
    "llamafactory": ("preferences", "trl_preference"),
    "hh": ("preferences", "hh"),
    "nemo": ("preferences", "trl_preference"),
}


@pytest.mark.parametrize("rendering", RENDERED)
def test_a_rendering_imported_and_exported_again_says_the_same(worked: Project, tmp_path: Path, rendering: str) -> None:
    config, format = RENDERED[rendering]
    export(worked, tmp_path / "first", "--config", config, "--render", rendering)
    again = makers.make_project("second", split_salt="the same", test_share=0.5)
    for path in sorted((tmp_path / "first" / rendering).glob("*.jsonl")):
        with path.open("rb") as file:
            assert imports.detect(file) == format
            report = imports.run(project=again, format=format, file=file, source="archive")
        assert report.rejected == 0, report.errors
    export(again, tmp_path / "second", "--config", config, "--render", rendering, "--mix", "archive=1")
    first, second = (
        Counter(json.dumps(row, sort_keys=True) for row in rows(tmp_path / name, rendering))
        for name in ("first", "second")
    )
    assert first
    assert first == second


def judged(folder: Path) -> Counter[str]:
    """Every object of an archive by what was said of it, its texts in the place of ids."""
    found: Counter[str] = Counter()
    for row in rows(folder, "raw"):
        record = json.loads(row["record"])
        texts = {one["id"]: one["text"] for one in record.get("completions", ())}
        votes = [
            [[sorted(texts[cid] for cid in group) for group in vote["groups"]], vote["note"], vote["strengths"],
             sorted((texts[cid], rating) for cid, rating in vote["ratings"].items()),
             sorted((texts[cid], names) for cid, names in vote["flags"].items()), vote["scales"],
             sorted((texts[cid], grades) for cid, grades in vote["criteria"].items()),
             sorted((texts[cid], marks) for cid, marks in vote["spans"].items())]
            for vote in record.get("rankings", ())
        ]  # fmt: skip
        turns = [
            [turn["role"], turn["text"], [one["thumb_up"] for one in turn.get("feedback") or ()]]
            for turn in record.get("turns") or ()
        ]
        asked = record.get("messages") or record.get("prompt")
        said = [row["type"], asked, sorted(texts.values()), turns, sorted(map(json.dumps, votes))]
        found[json.dumps(said, sort_keys=True)] += 1
    return found


def test_the_archive_itself_says_the_same_again(worked: Project, tmp_path: Path) -> None:
    export(worked, tmp_path / "first", "--config", "raw,preferences,rankings")
    again = makers.make_project("second", split_salt="the same", test_share=0.5)
    for path in sorted((tmp_path / "first" / "raw").iterdir()):
        with path.open("rb") as file:
            report = imports.run(project=again, format="raw", file=file, source="archive")
        assert report.rejected == 0, report.errors
    export(again, tmp_path / "second", "--config", "raw,preferences,rankings", "--mix", "archive=1")
    assert judged(tmp_path / "first") == judged(tmp_path / "second")
    for config in ("preferences", "rankings"):
        assert meant(tmp_path / "second", config) == meant(tmp_path / "first", config), config


def test_the_archive_keeps_what_is_context_and_what_was_rated(worked: Project, tmp_path: Path) -> None:
    """What a model wrote in a chat is never an example of what to learn, through any number of imports."""
    export(worked, tmp_path / "first", "--config", "raw,sft,ratings")
    folder = tmp_path / "first"
    for name in ("second", "third"):
        project = makers.make_project(name, split_salt="the same", test_share=0.5)
        for path in sorted((folder / "raw").iterdir()):
            with path.open("rb") as file:
                assert imports.run(project=project, format="raw", file=file, source="archive").rejected == 0
        folder = tmp_path / name
        export(project, folder, "--config", "raw,sft,ratings", "--mix", "archive=1")
        for config in ("sft", "ratings"):
            assert meant(folder, config) == meant(tmp_path / "first", config), (name, config)
