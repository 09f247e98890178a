"""Which rows are in: rounds, kinds of vote, reviews, agreement, sources mixed in, flags, and what came since."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.utils import timezone

from accounts.models import User
from labeling import corrections, dialogues, imports, projects, rankings, turns
from labeling.models import Project, Ranking, Review
from labeling.quality import adjudication, decisions, reviews
from labeling.suggestions import request_suggestions
from tests import makers
from tests.exports.makers import everything, export, given, rows


def test_a_round_can_be_picked(project: Project, alice: User, tmp_path: Path) -> None:
    makers.make_ranking(makers.make_comparison(project), alice)
    projects.open_round(project=project, policies=[(makers.make_model(), 1.0, {})])
    second = makers.make_ranking(makers.make_comparison(project), alice)
    manifest = export(project, tmp_path / "x", "--config", "rankings", "--round", "2")
    assert [row["id"] for row in rows(tmp_path / "x", "rankings")] == [str(second.pk)]
    assert manifest["excluded"] == {"other round": 1}


def test_calibration_research_and_surplus_stay_out_and_are_counted(
    project: Project, alice: User, bob: User, tmp_path: Path
) -> None:
    makers.make_ranking(makers.make_comparison(project, kind="calibration", known_groups=[]), alice)
    for kind in ("surplus", "research"):
        ranking = makers.make_ranking(makers.make_comparison(project), bob)
        Ranking.objects.filter(pk=ranking.pk).update(kind=kind)
    manifest = export(project, tmp_path / "x", "--config", "rankings,preferences")
    assert manifest["files"] == []
    assert manifest["excluded"] == {"calibration item": 1, "research vote": 1, "surplus vote": 1}


def test_what_a_review_returned_or_excluded_is_left_out(
    project: Project, alice: User, rita: User, tmp_path: Path
) -> None:
    for decision in ("accepted", "returned", "excluded"):
        ranking = makers.make_ranking(makers.make_comparison(project), alice)
        Review.objects.create(ranking=ranking, reviewer=rita, decision=decision, comment="why")
    manifest = export(project, tmp_path / "x", "--config", "rankings")
    assert manifest["excluded"] == {"excluded by a review": 1, "returned by a review": 1}
    assert len(rows(tmp_path / "x", "rankings")) == 1


def test_a_gold_order_stands_for_the_votes_from_when_it_was_given_until_it_is_taken_back(
    project: Project, alice: User, bob: User, rita: User, tmp_path: Path
) -> None:
    project.adaptive_overlap = False
    project.save()
    comparison = makers.make_comparison(project, votes=2)
    votes = [
        makers.make_ranking(comparison, alice),
        makers.make_ranking(comparison, bob, groups=[[3], [2], [1], [0]]),
    ]
    before = timezone.now().isoformat()
    gold = adjudication.adjudicate(
        comparison=comparison, reviewer=rita, order_shown=votes[0].order_shown, groups=votes[0].groups
    )
    given_at = timezone.now().isoformat()
    decisions.undo_last(project=project, reviewer=rita)

    def at(cutoff: str, *options: str) -> set[str]:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        found = export(project, folder, "--config", "rankings", "--cutoff", cutoff, *options)
        assert found["excluded"] in ({}, {"replaced by a gold order": 2}, {"undone": 1})
        assert {row["kind"] for row in rows(folder, "rankings")} <= {"vote", "gold"}
        return {row["id"] for row in rows(folder, "rankings")}

    both = {str(vote.pk) for vote in votes}
    assert at(before) == both
    assert at(given_at) == at(given_at, "--min-agreement", "0.9") == {str(gold.pk)}
    assert at(timezone.now().isoformat()) == both


def test_a_review_that_was_taken_back_counts_up_to_then(
    project: Project, alice: User, rita: User, tmp_path: Path
) -> None:
    ranking = makers.make_ranking(makers.make_comparison(project), alice)
    demonstration = makers.make_demonstration(project, alice)
    for work in ({"ranking": ranking}, {"dialogue": demonstration}):
        reviews.decide(reviewer=rita, decision="returned", comment="Look again.", **work)
    decided = timezone.now().isoformat()
    export(project, tmp_path / "then", "--config", "rankings,sft,raw", "--cutoff", decided)
    for _ in range(2):
        decisions.undo_last(project=project, reviewer=rita)
    export(project, tmp_path / "again", "--config", "rankings,sft,raw", "--cutoff", decided)
    for config in ("rankings", "sft", "raw"):
        assert rows(tmp_path / "then", config) == rows(tmp_path / "again", config)
    assert not rows(tmp_path / "then", "rankings")
    assert not rows(tmp_path / "then", "sft")
    export(project, tmp_path / "now", "--config", "rankings,sft")
    assert len(rows(tmp_path / "now", "rankings")) == len(rows(tmp_path / "now", "sft")) == 1


def test_not_rankable_is_a_row_without_pairs(project: Project, alice: User, tmp_path: Path) -> None:
    lease = makers.make_lease(makers.make_comparison(project), alice)
    rankings.submit_ranking(assignment=lease, not_rankable="all four are off topic")
    manifest = export(project, tmp_path / "x", "--config", "rankings,preferences")
    (row,) = rows(tmp_path / "x", "rankings")
    assert (row["status"], row["reason"]) == ("not_rankable", "all four are off topic")
    assert {c["rank"] for c in row["completions"]} == {None}
    assert manifest["excluded_by_config"]["preferences"] == {"not rankable": 1}


def test_votes_that_disagree_can_be_left_out(project: Project, alice: User, bob: User, tmp_path: Path) -> None:
    for second in ([[0], [1], [2]], [[2], [1], [0]]):
        comparison = makers.make_comparison(project, k=3, votes=2)
        makers.make_ranking(comparison, alice, groups=[[0], [1], [2]])
        makers.make_ranking(comparison, bob, groups=second)
    manifest = export(project, tmp_path / "x", "--config", "rankings", "--min-agreement", "0.8")
    assert manifest["excluded"] == {"agreement below the bound": 2}
    assert manifest["agreement"] == {"comparisons": 2, "pairs": 6, "strict": 0.5, "tie_discounted": 0.5}


def test_a_delta_holds_what_came_since_and_tombstones_for_what_went(
    project: Project, alice: User, bob: User, tmp_path: Path
) -> None:
    gone = makers.make_ranking(makers.make_comparison(project), alice)
    stays = makers.make_ranking(makers.make_comparison(project), bob)
    first = export(project, tmp_path / "one", "--config", "rankings")
    corrections.undo_ranking(assignment=given(gone.assignment))
    new = makers.make_ranking(makers.make_comparison(project), bob)
    delta = export(project, tmp_path / "two", "--config", "rankings", "--since", first["cutoff"])
    assert [row["id"] for row in rows(tmp_path / "two", "rankings")] == [str(new.pk)]
    dead = [json.loads(text) for text in (tmp_path / "two/tombstones.jsonl").read_text().splitlines()]
    assert dead == [{"id": str(gone.pk), "configs": ["rankings"], "reason": "undone"}]
    assert str(stays.pk) not in everything(tmp_path / "two")
    assert "tombstones.jsonl" in {file["path"] for file in delta["files"]}


@pytest.fixture
def imported(project: Project, tmp_path: Path) -> None:
    """Sixty imported demonstrations and one imported comparison."""
    path = tmp_path / "alpaca.jsonl"
    path.write_text(
        "".join(json.dumps({"instruction": f"Add {n} and 1.", "output": str(n + 1)}) + "\n" for n in range(60))
    )
    with path.open("rb") as file:
        imports.run(project=project, format="alpaca", file=file, source="alpaca")
    path.write_text(
        json.dumps({"chosen": "\n\nHuman: Hi\n\nAssistant: Hello", "rejected": "\n\nHuman: Hi\n\nAssistant: No"})
    )
    with path.open("rb") as file:
        imports.run(project=project, format="hh", file=file, source="hh")


@pytest.mark.parametrize(("weight", "low", "high"), [("1", 60, 60), ("0.5", 12, 48), ("2", 120, 120), ("1.5", 72, 108)])
def test_imported_data_comes_in_by_its_weight_only(
    project: Project, imported: None, tmp_path: Path, weight: str, low: int, high: int
) -> None:
    out = export(project, tmp_path / "out", "--config", "sft,rankings,preferences")
    assert out["files"] == []
    assert out["excluded"]["imported, not mixed in"] == 61
    mixed = export(project, tmp_path / "mixed", "--config", "sft,preferences", "--mix", f"alpaca={weight}")
    written = rows(tmp_path / "mixed", "sft")
    assert low <= len(written) <= high
    assert len({row["id"] for row in written}) == len(written)
    assert {row["source"] for row in written} == {"imported"}
    counted = mixed["mix"]["alpaca"]
    assert (counted["available"], counted["written"], counted["weight"]) == (60, len(written), float(weight))
    again = export(project, tmp_path / "again", "--config", "sft,preferences", "--mix", f"alpaca={weight}")
    assert [f["sha256"] for f in again["files"]] == [f["sha256"] for f in mixed["files"]]


def test_the_mix_counts_records_whatever_they_are_made_into(project: Project, tmp_path: Path) -> None:
    """Eighty dialogues of two answers and forty comparisons, three of them judged by three: 120 records, of which a
    weight takes the same in every configuration."""
    talks = [
        {
            "conversations": [
                {"from": who, "value": f"{number} {turn} {who}"} for turn in (1, 2) for who in ("human", "gpt")
            ]
        }
        for number in range(80)
    ]
    orders = [
        {"prompt": f"Pick {number}.", "completions": ["first", "second"], "ranking": [0, 1]}
        for number in range(40)
        for _ in range(3 if number < 3 else 1)
    ]
    for name, records in (("sharegpt", talks), ("rankings", orders)):
        (tmp_path / name).write_text("".join(json.dumps(record) + "\n" for record in records))
        with (tmp_path / name).open("rb") as file:
            imports.run(project=project, format=name, file=file, source="both")
    whole = export(project, tmp_path / "whole", "--mix", "both=1")
    assert whole["mix"]["both"] == {"weight": 1.0, "available": 120, "written": 120}
    assert (len(rows(tmp_path / "whole", "sft")), len(rows(tmp_path / "whole", "rankings"))) == (160, 46)
    some = export(project, tmp_path / "some", "--mix", "both=0.5")
    assert some["mix"]["both"]["available"] == 120
    taken = {row["dialogue_id"] for row in rows(tmp_path / "some", "sft")}
    judged = {row["prompt_id"] for row in rows(tmp_path / "some", "rankings")}
    assert some["mix"]["both"]["written"] == len(taken) + len(judged)
    assert 30 < some["mix"]["both"]["written"] < 90
    assert len(rows(tmp_path / "some", "sft")) == 2 * len(taken)  # a dialogue comes whole
    assert {row["id"] for row in rows(tmp_path / "some", "prompts")} == judged  # and a comparison with its prompt
    raw = list(rows(tmp_path / "some", "raw"))
    assert len(raw) == len(rows(export_nothing_mixed(project, tmp_path), "raw")) == 120  # the archive is whole anyway


def export_nothing_mixed(project: Project, folder: Path) -> Path:
    export(project, folder / "unmixed", "--config", "raw")
    return folder / "unmixed"


def test_suggestions_taken_verbatim_can_be_left_out(project: Project, alice: User, tmp_path: Path) -> None:
    request = None
    for text in ("As suggested.", "As suggested, but edited."):
        dialogue = dialogues.start_dialogue(project=project, author=alice, kind="demonstration")
        turns.add_turn(dialogue=dialogue, role="user", text=f"Why? {text}")
        (request,) = request_suggestions(dialogue=dialogue, role="assistant", n=1)
        (completion,) = makers.answer(request, "As suggested.")
        turns.add_turn(dialogue=dialogue, role="assistant", text=text, completion=completion)
        dialogues.submit_dialogue(dialogue=dialogue)
    makers.make_demonstration(project, alice)
    export(project, tmp_path / "all", "--config", "sft")
    assert sorted(row["source"] for row in rows(tmp_path / "all", "sft")) == ["accepted", "edited", "written"]
    assert {row["model"] is None for row in rows(tmp_path / "all", "sft") if row["source"] == "written"} == {True}
    manifest = export(project, tmp_path / "own", "--config", "sft", "--no-verbatim")
    assert sorted(row["source"] for row in rows(tmp_path / "own", "sft")) == ["edited", "written"]
    assert manifest["excluded"] == {"suggestion taken verbatim": 1}


def test_completions_flagged_unsafe_can_be_left_out(project: Project, alice: User, tmp_path: Path) -> None:
    comparison = makers.make_comparison(project, k=3)
    ids = [str(c) for c in comparison.candidates.order_by("index").values_list("completion_id", flat=True)]
    makers.make_ranking(comparison, alice, flags={ids[1]: ["violent content"]})
    export(project, tmp_path / "in", "--config", "rankings,preferences")
    export(project, tmp_path / "out", "--config", "rankings,preferences", "--no-unsafe")
    assert len(rows(tmp_path / "in", "preferences")) == 3
    assert len(rows(tmp_path / "out", "preferences")) == 1
    assert ids[1] not in everything(tmp_path / "out")


def test_ties_are_half_only_in_the_rendering_that_names_them(project: Project, alice: User, tmp_path: Path) -> None:
    makers.make_ranking(makers.make_comparison(project, k=3), alice, groups=[[0, 1], [2]])
    export(project, tmp_path / "x", "--config", "preferences", "--render", "soft")
    assert len(rows(tmp_path / "x", "preferences")) == 2
    scores = sorted(row["score"] for row in rows(tmp_path / "x", "soft"))
    assert scores.count(0.5) == 1
    assert len(scores) == 3
