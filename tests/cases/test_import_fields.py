"""A field of an imported record that carries meaning is mapped, or the record refused by the field's name."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.shapes import JsonLike, JsonObject
from labeling.models import Comparison, Dialogue, Project, Ranking, Turn, TurnFeedback
from tests.exports.makers import export, rows
from tests.labeling.importing import run

ASKED = {"role": "user", "content": "Name a prime."}


def test_an_answer_marked_false_is_a_rating_and_never_an_example(project: Project, tmp_path: Path) -> None:
    given: list[JsonLike] = [
        {"prompt": "Is the moon made of cheese?", "completion": "Yes, of cheddar.", "label": False},
        {"messages": [ASKED, {"role": "assistant", "content": "Nine."}], "label": False},
        {"instruction": "Add.", "input": "1 2", "output": "4", "kto_tag": False},
        {"conversations": [{"from": "human", "value": "2+2?"}, {"from": "gpt", "value": "5"}], "label": 0.0, "id": "c"},
        {"prompt": "Is rain wet?", "completion": "Yes.", "label": True},
    ]
    report = run(project, "kto", given, source="thumbs")
    assert (report.imported, report.made) == (5, {"ratings": 5}), report.errors
    assert sorted(map(bool, TurnFeedback.objects.values_list("thumb_up", flat=True))) == [False] * 4 + [True]
    assert not Turn.objects.filter(role="assistant", is_example=True).exists()
    export(project, tmp_path / "alone", "--config", "sft,ratings")
    assert not rows(tmp_path / "alone", "sft")
    assert not rows(tmp_path / "alone", "ratings")
    export(project, tmp_path / "mixed", "--config", "sft,ratings", "--mix", "thumbs=1")
    assert rows(tmp_path / "mixed", "sft") == []
    found = {str(row["completion"]): row["label"] for row in rows(tmp_path / "mixed", "ratings")}
    assert sorted(found.values()) == [False] * 4 + [True]


@pytest.mark.parametrize("format", ["instructgpt", "openai", "alpaca", "sharegpt", "trl_sft", "dolly"])
def test_a_label_that_a_format_does_not_know_refuses_the_record(project: Project, format: str) -> None:
    answer = {"role": "assistant", "content": "Nine."}
    given: dict[str, dict[str, JsonLike]] = {
        "instructgpt": {"prompt": "Name a prime.", "completion": "Nine."},
        "openai": {"messages": [ASKED, answer]},
        "alpaca": {"instruction": "Name a prime.", "output": "Nine."},
        "sharegpt": {"conversations": [{"from": "human", "value": "Name."}, {"from": "gpt", "value": "Nine."}]},
        "trl_sft": {"prompt": [ASKED], "completion": [answer]},
        "dolly": {"instruction": "Name a prime.", "response": "Nine."},
    }
    for name in ("label", "kto_tag", "rejected", "is_chosen", "rank"):
        report = run(project, format, [given[format] | {name: False}])
        assert (report.imported, report.rejected) == (0, 1)
        assert repr(name) in report.errors[0]["reason"] or (format, name) == ("sharegpt", "rejected")


@pytest.mark.parametrize("format", ["", "instructgpt", "openai"])
def test_an_order_beside_completions_is_an_imported_ranking(project: Project, format: str) -> None:
    completions: JsonLike = [{"id": "A", "text": "Go away."}, {"id": "B", "text": "Hi!"}]
    side = {"prompt": "Say hi."} if format != "openai" else {"messages": [{"role": "user", "content": "Say hi."}]}
    report = run(project, format, [{**side, "completions": completions, "ranking": [["B"], ["A"]]}])
    assert report.made == {"comparisons": 1}, report.errors
    ranking = Ranking.objects.get()
    best = ranking.comparison.candidates.get(completion_id=ranking.groups[0][0])
    assert best.completion.text == "Hi!"


def test_the_roles_of_dolly_go_by_their_names(project: Project) -> None:
    about = {"instruction": "Who wrote it?", "context": "The poem was written by Ada in 1840.", "response": "Ada."}
    alone = {"instruction": "Who wrote it, again?", "context": "", "response": "Ada."}
    turned = {"response": "Bob.", "context": "Bob drew it.", "category": "closed_qa", "instruction": "Who drew it?"}
    report = run(project, "", [about, alone, turned])
    assert (report.format, report.imported, report.unused) == ("dolly", 3, {"category": 1})
    asked = set(Turn.objects.filter(role="user").values_list("text", flat=True))
    assert asked == {
        "The poem was written by Ada in 1840.\n\nWho wrote it?", "Who wrote it, again?", "Bob drew it.\n\nWho drew it?",
    }  # fmt: skip


def test_an_answer_of_no_weight_is_context_and_no_example(project: Project, tmp_path: Path) -> None:
    lyon: JsonObject = {"role": "assistant", "content": "Lyon, obviously.", "weight": 0}
    paris: JsonObject = {"role": "assistant", "content": "Paris, sorry.", "weight": 1}
    capital: JsonLike = {"role": "user", "content": "Capital of France?"}
    sure: JsonLike = {"role": "user", "content": "Sure?"}
    given: list[JsonLike] = [{"messages": [capital, lyon]}, {"messages": [capital, lyon, sure, paris]}]
    report = run(project, "openai", given, source="s")
    assert report.imported == 2
    export(project, tmp_path / "out", "--config", "sft", "--mix", "s=1")
    (row,) = rows(tmp_path / "out", "sft")
    assert row["completion"] == [{"role": "assistant", "content": "Paris, sorry."}]
    assert "Lyon" in str(row["prompt"])
    half: JsonLike = {"messages": [capital, {**paris, "weight": 0.5}]}
    assert "'weight'" in run(project, "openai", [half]).errors[0]["reason"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tool_calls", [{"id": "c1", "type": "function", "function": {"name": "w", "arguments": "{}"}}]),
        ("function_call", {"name": "w", "arguments": "{}"}),
        ("tool_call_id", "c1"),
        ("rank", 1),
    ],
)
def test_a_call_of_a_tool_beside_text_is_refused_by_name(project: Project, name: str, value: JsonLike) -> None:
    answer = {"role": "assistant", "content": "Let me look.", name: value}
    report = run(project, "openai", [{"messages": [{"role": "user", "content": "Weather?"}, answer]}])
    assert (report.imported, report.rejected) == (0, 1)
    assert name in report.errors[0]["reason"]
    assert not Dialogue.objects.exists()


def test_a_system_text_beside_a_prompt_is_the_system_message(project: Project) -> None:
    report = run(project, "", [{"prompt": "Hi", "completion": "Ahoy.", "system": "Be a pirate."}])
    assert report.imported == 1
    assert Turn.objects.get(role="system").text == "Be a pirate."
    report = run(project, "arena", [
        {"model_a": "x", "model_b": "y", "winner": "model_a", "system": "Be a pirate.",
         "conversation_a": [ASKED, {"role": "assistant", "content": "2"}],
         "conversation_b": [ASKED, {"role": "assistant", "content": "4"}]},
    ])  # fmt: skip
    assert "'system'" in report.errors[0]["reason"]
    assert not Comparison.objects.exists()


def test_fields_of_no_use_are_named_with_how_many_records_have_them(project: Project) -> None:
    given: list[JsonLike] = [
        {"prompt": f"Why {n}?", "completion": "So.", "weight": 0.5, "meta": {"a": n}} for n in range(12)
    ]
    report = run(project, "instructgpt", given)
    assert report.to_dict()["not_used"] == {"weight": 12, "meta": 12}
    (kept,) = Dialogue.objects.filter(turns__text="Why 3?").values_list("source_row", flat=True)
    assert kept is not None
    assert kept["row"]["meta"] == {"a": 3}


def test_two_answers_side_by_side_are_refused(project: Project) -> None:
    report = run(project, "instructgpt", [{"prompt": "Why?", "completion": "So.", "response": "Because."}])
    assert "'completion' and 'response'" in report.errors[0]["reason"]
