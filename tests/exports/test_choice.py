"""Which rows are in: filters, consensus, delta, mixing, redaction, withdrawal, splits."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import Settings

from accounts.models import AuditEntry, User
from exports.selection import near_duplicates, privacy
from labeling import assignments, comparisons, corrections, dialogues, imports, projects, rankings, turns
from labeling.models import Comparison, Dialogue, Project, Ranking, Review
from labeling.suggestions import request_suggestions
from labeling.withdrawal import WITHDRAWN, withdraw
from sampler.models import Completion, SampleRequest
from tests import makers
from tests.exports.makers import everything, export, rows


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
    corrections.undo_ranking(assignment=gone.assignment)
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
    mix = mixed["mix"]["alpaca"]
    assert (mix["available"], mix["written"], mix["weight"]) == (60, len(written), float(weight))
    again = export(project, tmp_path / "again", "--config", "sft,preferences", "--mix", f"alpaca={weight}")
    assert [f["sha256"] for f in again["files"]] == [f["sha256"] for f in mixed["files"]]


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


def test_mail_phone_card_and_keys_are_masked_on_request(project: Project, alice: User, tmp_path: Path) -> None:
    secret = (
        "Write to ann.o'neil@mail.example.org or +44 20 7946 0958, pay with 4111 1111 1111 1111, "
        "key AKIAIOSFODNN7EXAMPLE. In 2026 there were 12345 of them on page 10-12."
    )
    makers.make_demonstration(project, alice, question=secret)
    export(project, tmp_path / "plain", "--config", "sft")
    manifest = export(project, tmp_path / "masked", "--config", "sft,raw", "--redact")
    assert rows(tmp_path / "plain", "sft")[0]["prompt"][0]["content"] == secret
    masked = rows(tmp_path / "masked", "sft")[0]["prompt"][0]["content"]
    assert masked == (
        "Write to [EMAIL] or [PHONE], pay with [CARD], key [KEY]. In 2026 there were 12345 of them on page 10-12."
    )
    assert "4111 1111" not in everything(tmp_path / "masked")
    assert manifest["counts"]["redacted EMAIL"] >= 1


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=300))
def test_redaction_takes_any_text(text) -> None:
    assert isinstance(privacy.Redactor()(text), str)


def test_a_withdrawn_trainers_text_is_in_no_later_file_preview_or_history(
    project: Project, alice: User, bob: User, tmp_path: Path
) -> None:
    makers.make_demonstration(project, alice, question="alicewords in a demonstration")
    chat = makers.make_chat(project, alice, submit=False)
    draft = dialogues.start_dialogue(project=project, author=alice, kind="demonstration")
    turns.save_composer(dialogue=draft, composer={"role": "user", "text": "alicewords unsent"})
    mine = makers.make_ranking(makers.make_comparison(project), alice, note="alicewords in a note")
    about, _ = comparisons.bring(
        project=project,
        prompt=[{"role": "user", "content": "alicewords as a prompt"}],
        completions=[{"text": "a"}, {"text": "b"}],
    )
    Comparison.objects.filter(pk=about.pk).update(author=alice)
    others = makers.make_ranking(about, bob)
    kept = makers.make_ranking(makers.make_comparison(project), bob)
    held = makers.make_lease(makers.make_comparison(project), alice)
    assignments.save_draft(assignment=held, draft={"note": "alicewords drafted"})
    before = export(project, tmp_path / "before")
    assert "alicewords" in everything(tmp_path / "before")
    withdraw(project=project, user=alice)
    for name, options in (("after", []), ("as of then", ["--cutoff", before["cutoff"]])):
        manifest = export(project, tmp_path / name, *options)
        text = everything(tmp_path / name)
        assert "alicewords" not in text
        assert str(chat.pk) not in text.replace((tmp_path / name / "tombstones.jsonl").read_text(), "")
        assert [row["id"] for row in rows(tmp_path / name, "rankings")] == [str(kept.pk)]
        dead = {json.loads(t)["id"] for t in (tmp_path / name / "tombstones.jsonl").read_text().splitlines()}
        assert {str(mine.pk), str(others.pk)} <= dead
        assert manifest["excluded"]["withdrawn"] >= 3
    for model in (Dialogue, Comparison, Ranking, Completion, SampleRequest):
        for row in model.objects.values():
            assert "alicewords" not in str(row)
    assert set(Dialogue.objects.get(pk=chat.pk).turns.values_list("text", flat=True)) == {WITHDRAWN}
    held.refresh_from_db()
    assert held.draft == {}
    assert not project.memberships.filter(user=alice, ended_at__isnull=True).exists()
    told = AuditEntry.objects.get(action="member.withdrawn")
    assert (told.actor, told.project_id, "dialogues" in told.fields) == (None, project.pk, True)


def test_people_appear_under_pseudonyms_that_a_new_secret_key_does_not_change(
    project: Project, alice: User, settings: Settings, tmp_path: Path
) -> None:
    makers.make_ranking(makers.make_comparison(project), alice)
    export(project, tmp_path / "one")
    settings.SECRET_KEY = "another key that is long enough to be taken 123"
    export(project, tmp_path / "two")
    (one,), (two,) = rows(tmp_path / "one", "rankings"), rows(tmp_path / "two", "rankings")
    assert one["annotator_id"] == two["annotator_id"]
    text = everything(tmp_path / "one")
    for hidden in ("alice", User.objects.get(username="alice").email, project.pseudonym_key, project.split_salt):
        assert hidden not in text
    other = makers.make_project("other")
    projects.set_membership(project=other, user=alice, role="trainer")
    makers.make_ranking(makers.make_comparison(other), alice)
    export(other, tmp_path / "three")
    assert rows(tmp_path / "three", "rankings")[0]["annotator_id"] != one["annotator_id"]


def test_equal_prompts_share_a_split_in_every_configuration(project: Project, alice: User, tmp_path: Path) -> None:
    project.test_share, project.split_salt = 0.5, "steady"
    project.save(update_fields=["test_share", "split_salt"])
    for number in range(12):
        question = f"Question {number}?"
        makers.make_demonstration(project, alice, question=question)
        makers.make_ranking(makers.make_comparison(project, prompt=f"  QUESTION   {number}?"), alice)
    projects.add_prompts(project=project, prompts=[[{"role": "user", "content": f"question {n}?"}] for n in range(12)])
    export(project, tmp_path / "x")
    sides: dict[str, set[str]] = {}
    for config, column in (
        ("sft", "prompt"),
        ("preferences", "prompt"),
        ("rankings", "context"),
        ("prompts", "prompt"),
    ):
        for split in ("train", "test"):
            for row in rows(tmp_path / "x", config, split):
                key = " ".join(row[column][0]["content"].casefold().split())
                sides.setdefault(key, set()).add(split)
    assert len(sides) == 12
    assert all(len(side) == 1 for side in sides.values())
    assert {next(iter(side)) for side in sides.values()} == {"train", "test"}


def test_a_row_keeps_its_split_when_the_share_changes(project: Project, alice: User, tmp_path: Path) -> None:
    for number in range(10):
        makers.make_demonstration(project, alice, question=f"Question {number}?")
    export(project, tmp_path / "one", "--config", "sft")
    project.test_share = 0.9
    project.save(update_fields=["test_share"])
    for number in range(10):
        makers.make_demonstration(project, alice, question=f"Question {number}?")
    export(project, tmp_path / "two", "--config", "sft")
    for split in ("train", "test"):
        before = {row["id"] for row in rows(tmp_path / "one", "sft", split)}
        assert before <= {row["id"] for row in rows(tmp_path / "two", "sft", split)}


def test_a_test_row_with_a_near_duplicate_in_train_is_left_out(project: Project, alice: User, tmp_path: Path) -> None:
    for split, question in (
        ("train", "Explain to a six-year-old why the sky is blue, in a few sentences."),
        ("test", "Explain to a six year old why the sky is blue in a few short sentences!"),
        ("test", "Write a letter of complaint about a late train."),
    ):
        demonstration = makers.make_demonstration(project, alice, question=question)
        Dialogue.objects.filter(pk=demonstration.pk).update(split=split)
    manifest = export(project, tmp_path / "x", "--config", "sft")
    assert manifest["excluded"] == {"test row with a near-duplicate in train": 1}
    assert [r["prompt"][0]["content"][:5] for r in rows(tmp_path / "x", "sft", "test")] == ["Write"]


def test_split_by_author_never_parts_an_author_and_leaves_shared_prompts_out_of_test(tmp_path: Path, db: None) -> None:
    project = makers.make_project("by-author", split_by="author", test_share=0.5)
    people = [makers.make_member(project, f"author{n}") for n in range(8)]
    for person in people:
        makers.make_demonstration(project, person, question="The same for all?")
        makers.make_demonstration(project, person, question=f"Only from {person.pk}: why {'so ' * person.pk}?")
    export(project, tmp_path / "x", "--config", "sft")
    sides: dict[str, set[str]] = {}
    for split in ("train", "test"):
        for row in rows(tmp_path / "x", "sft", split):
            sides.setdefault(row["annotator_id"], set()).add(split)
    assert all(len(side) == 1 for side in sides.values())
    texts = [{r["prompt"][0]["content"] for r in rows(tmp_path / "x", "sft", split)} for split in ("train", "test")]
    assert not texts[0] & texts[1]


def test_sketches_tell_near_duplicates_from_other_prompts() -> None:
    long = "Summarise the history of the bicycle, from the draisine of 1817 to the electric bicycles of today. "
    texts = [
        long,
        long.replace("history", "story"),
        "How do magnets work?",
        "How do magnets work? 2",
        "",
        "日本の首都は?",
    ]
    found = near_duplicates.sketch(texts)
    near = [near_duplicates.Index(found[:1]).near(found[i : i + 1]) == {0} for i in range(len(texts))]
    assert near == [True, True, False, False, False, False]
    assert near_duplicates.Index(found[2:3]).near(found[3:4]) == set()  # another number is another question
