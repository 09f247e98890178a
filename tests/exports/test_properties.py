"""What holds of every export, whatever is in it."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from accounts.models import User
from exports.formats import preferences, rankings
from exports.formats.base import Context
from exports.sources.rankings import RankingRecord
from labeling import imports
from labeling.models import Project
from labeling.preferences import strict_pairs
from labeling.text import prompt_key
from tests import makers
from tests.exports.makers import export, given, make_ranking_record, prompts_of, rows

NAMES = "abcdefghi"


@st.composite
def records(draw: st.DrawFn) -> RankingRecord:
    """A ranking of 2 to 9 completions, with ties, equal and empty texts."""
    ids = draw(st.permutations(NAMES[: draw(st.integers(2, 9))]))
    groups = [[ids[0]]]
    for cid, tied in zip(ids[1:], draw(st.lists(st.booleans(), min_size=8, max_size=8)), strict=False):
        if tied:
            groups[-1].append(cid)
        else:
            groups.append([cid])
    texts = {cid: draw(st.sampled_from(["", " \n", "same", " same ", f"text of {cid}"])) for cid in ids}
    return make_ranking_record(groups, texts)


def context() -> Context:
    return Context(cutoff="", language="en", name=Mock(return_value=None))


@drawn(records())
def test_pairs_are_the_strict_pairs_of_the_groups_and_weigh_one_together(record: RankingRecord) -> None:
    text = {answer.id: answer.text.strip() for answer in record.answers}
    expected = {(c, r) for c, r in strict_pairs(record.groups) if text[c] and text[r] and text[c] != text[r]}
    used = context()
    made = list(preferences.FORMAT.rows(record, used))
    assert {(row["chosen_completion_id"], row["rejected_completion_id"]) for row in made} == expected
    assert len(made) == len(expected)
    for row in made:
        assert row["chosen"][-1]["content"] == text[row["chosen_completion_id"]]
        assert row["chosen_rank"] < row["rejected_rank"]
    if made:
        assert abs(sum(row["weight"] for row in made) - 1) < 1e-9
    else:
        assert used.excluded == {"no strict pair": 1}
    (whole,) = rankings.FORMAT.rows(record, context())
    place = {c["completion_id"]: given(c["rank"]) for c in whole["completions"]}
    assert all(place[c] < place[r] for c, r in strict_pairs(record.groups))


WORDS = st.sampled_from(["tea", "rain", "why", "how", "is", "the", "moon", "blue", "7", "42"])
PROMPTS = st.lists(WORDS, min_size=1, max_size=6)
STYLES = st.sampled_from(
    [str, str.upper, str.title, lambda text: f"  {text.replace(' ', '   ')} ", lambda text: text + "?"]
)


def test_no_prompt_is_in_two_splits_of_any_configuration(project: Project, alice: User, tmp_path: Path) -> None:
    """Many prompts, written in several ways; a new folder for each draw, all in one growing project."""
    project.test_share = 0.5
    project.save(update_fields=["test_share"])
    number = 0

    @settings(max_examples=12)
    @drawn(st.lists(st.tuples(PROMPTS, STYLES), min_size=2, max_size=5))
    def check(prompts: list[tuple[list[str], Callable[[str], str]]]) -> None:
        nonlocal number
        number += 1
        for words, style in prompts:
            text = style(" ".join(words))
            makers.make_ranking(makers.make_comparison(project, prompt=text, k=2), alice)
            makers.make_demonstration(project, alice, question=text)
        folder = tmp_path / str(number)
        export(project, folder, "--config", "preferences,rankings,sft,prompts")
        sides: dict[str, set[str]] = {"train": set(), "test": set()}
        for split, keys in sides.items():
            for config in ("preferences", "rankings", "sft", "prompts"):
                keys |= {prompt_key(prompt) for prompt in prompts_of(folder, config, split)}
        assert not sides["train"] & sides["test"]

    check()


CHANGED = {  # by an import: what belongs to the project and the moment in which a row was made
    "id", "ranking_id", "prompt_id", "dialogue_id", "turn_id", "annotator_id", "created_at", "seconds", "round",
    "guideline_version", "completion_id", "chosen_completion_id", "rejected_completion_id", "kind", "source", "origin",
    "label_weight",
}  # fmt: skip
OF_A_COMPLETION = {"temperature", "top_p", "top_k", "max_tokens", "finish_reason"}


def contents(folder: Path, config: str) -> Counter[str]:
    """The rows less what an import changes, in no order."""

    def kept(value: object) -> object:
        if isinstance(value, list):
            return [kept(item) for item in value]
        if isinstance(value, dict):
            inner = {k: kept(v) for k, v in value.items() if k not in CHANGED | OF_A_COMPLETION}
            if isinstance(answers := inner.get("completions"), list):
                inner["completions"] = sorted(answers, key=lambda answer: str(answer["completion"][0]["content"]))
            return inner
        return value

    found: Counter[str] = Counter()
    for row in rows(folder, config):
        found[json.dumps(kept(row), sort_keys=True)] += 1
    return found


def imported(folder: Path, name: str) -> Project:
    """A project into which the archive of `folder` was imported."""
    project = makers.make_project(name, split_salt="the same", test_share=0.5)
    for path in sorted((folder / "raw").iterdir()):
        with path.open("rb") as file:
            report = imports.run(project=project, format="raw", file=file, source="archive")
        assert report.rejected == 0, report.errors
    return project


def test_an_archive_imported_and_exported_again_says_the_same(
    project: Project, alice: User, bob: User, tmp_path: Path
) -> None:
    project.split_salt, project.test_share = "the same", 0.5
    project.save(update_fields=["split_salt", "test_share"])
    for groups in ([[0], [1, 2], [3]], [[3], [2], [1], [0]], [[0, 1, 2, 3]]):
        comparison = makers.make_comparison(project, votes=2)
        makers.make_ranking(comparison, alice, groups=groups, note="Because.")
        makers.make_ranking(comparison, bob, groups=groups)  # of one mind: two judgements all the same
    makers.make_demonstration(project, alice)
    options = ("--config", "preferences,rankings,sft,prompts,raw")
    export(project, tmp_path / "first", *options)
    second = imported(tmp_path / "first", "second")
    export(second, tmp_path / "second", *options, "--mix", "archive=1")
    third = imported(tmp_path / "second", "third")
    export(third, tmp_path / "third", *options, "--mix", "archive=1")
    for config in ("preferences", "rankings", "prompts"):
        assert contents(tmp_path / "first", config) == contents(tmp_path / "second", config), config
        assert contents(tmp_path / "second", config) == contents(tmp_path / "third", config), config
    assert len(rows(tmp_path / "first", "rankings")) == 6
    assert contents(tmp_path / "second", "sft") == contents(tmp_path / "third", "sft")
    plain = [(row["prompt"], row["completion"]) for row in rows(tmp_path / "first", "sft")]
    assert plain == [(row["prompt"], row["completion"]) for row in rows(tmp_path / "third", "sft")]
    assert len(rows(tmp_path / "second", "raw")) == len(rows(tmp_path / "third", "raw"))
