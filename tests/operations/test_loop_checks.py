"""What `demo_loop` counts as better: its rules, its noise, and the checks that a run can miss."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from common.shapes import Message
from operations.loop import measure
from operations.loop.checks import Figures, checks
from operations.loop.rule import RULES, rank
from tests.generation.tiny import make_tiny_model
from training import distance, sft
from training.folders import Answer, write_answers


def test_without_noise_a_rule_puts_fewer_first_and_ties_equals() -> None:
    texts = {"a": "one, two", "b": "short", "c": "also short", "d": "one, two, three"}
    assert rank(RULES["commas"], texts, noise=0.0) == [["b", "c"], ["a"], ["d"]]
    assert rank(RULES["concise"], {"a": "x" * 50, "b": "x" * 5, "c": "x" * 12}, noise=0.0) == [["b", "c"], ["a"]]
    assert rank(RULES["prose"], {"a": "plain words.", "b": "- **bold** (3)"}, noise=0.0) == [["a"], ["b"]]


def test_simulated_trainers_differ_from_the_rule_and_from_one_another_as_people_do() -> None:
    texts = [("word," * n + f" {k}") for k in range(200) for n in (1, 2)]
    same = {by: [rank(RULES["commas"], {"few": texts[at], "many": texts[at + 1]}, by=by) for at in range(0, 400, 2)]
            for by in ("sim-1", "sim-2")}  # fmt: skip
    right = [groups == [["few"], ["many"]] for groups in same["sim-1"]]
    ties = [len(groups) == 1 for groups in same["sim-1"]]
    assert 0.6 < sum(right) / 200 < 0.95
    assert 0.05 < sum(ties) / 200 < 0.4
    assert same["sim-1"] != same["sim-2"]
    assert same["sim-1"] == [
        rank(RULES["commas"], {"few": texts[at], "many": texts[at + 1]}, by="sim-1") for at in range(0, 400, 2)
    ]


def test_iterations_are_told_by_the_rule_beside_the_reward(tmp_path: Path) -> None:
    rows = [{"iteration": n, "reward": n, "kl": n / 2, "tokens": 5, "ended": 1, "perplexity": 3} for n in (0, 1)]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    texts = [(0, "a, b"), (0, "a"), (1, "b"), (1, "c")]
    lines = (json.dumps({"iteration": n, "prompt": [], "text": text}) + "\n" for n, text in texts)
    (tmp_path / "answers.jsonl").write_text("".join(lines))
    found = measure.iterations(tmp_path, RULES["commas"])
    assert [row["rule_win_rate"] for row in found] == [0.5, 0.75]
    assert measure.iterations(tmp_path / "none", RULES["commas"]) == []


GOOD = Figures(
    round=1, train="ppo", rm_accuracy=0.95, rm_pairs=240, win_low=0.7, characters=100.0, first_characters=110.0,
    keeps_length=True, kl=4.0, ended=0.95, ended_before=0.9, perplexity=9.0, first_perplexity=8.0,
)  # fmt: skip


def test_all_checks_hold_for_a_policy_that_became_better() -> None:
    assert all(one.holds for one in checks(GOOD))
    assert all(one.holds for one in checks(replace(GOOD, round=2, win_low=0.51)))
    assert all(one.holds for one in checks(replace(GOOD, train="best-of-n", win_low=0.56)))


@pytest.mark.parametrize(
    "worse",
    [
        replace(GOOD, rm_accuracy=0.89), replace(GOOD, rm_pairs=199), replace(GOOD, win_low=0.59),
        replace(GOOD, round=2, win_low=0.49), replace(GOOD, win_low=None), replace(GOOD, characters=60.0),
        replace(GOOD, characters=150.0), replace(GOOD, kl=6.1), replace(GOOD, ended=0.89),
        replace(GOOD, perplexity=12.1), replace(GOOD, perplexity=None),
    ],
)  # fmt: skip
def test_each_check_can_fail(worse: Figures) -> None:
    assert [one.holds for one in checks(worse)].count(False) == 1


def test_a_policy_of_nonsense_without_commas_fails(tmp_path: Path) -> None:
    """Words at random please the rule; the first policy finds them far less likely than its own answers."""
    base = make_tiny_model(tmp_path / "base")
    prompt = [Message(role="user", content="amber")]
    sft.train(
        export=write_answers(tmp_path / "said", [Answer(prompt, "north otter maple lemon")] * 8).parents[1],
        base=base, out=tmp_path / "first", settings=sft.Settings(steps=40, learning_rate=1e-2),
    )  # fmt: skip
    found = {}
    for name, text in (("own", "north otter maple lemon"), ("nonsense", "fjord fjord amber knoll")):
        folder = write_answers(tmp_path / name, [Answer(prompt, text, cut=True)] * 4).parents[1]
        found[name] = distance.measure(folder, tmp_path / "first", tmp_path / "first")
    assert found["own"]["kl"] == found["nonsense"]["kl"] == 0
    own, nonsense = (float(str(found[name]["perplexity"])) for name in ("own", "nonsense"))
    wrong = [one.words for one in checks(replace(GOOD, perplexity=nonsense, first_perplexity=own)) if not one.holds]
    assert wrong == ["perplexity under the first policy"]
