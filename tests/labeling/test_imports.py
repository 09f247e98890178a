"""Imports of whole files: what is refused and why, what is stored, and that nothing else is lost."""

import gzip
import io
import json
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from accounts.models import User
from common import plugins
from labeling import imports
from labeling.models import Comparison, Dialogue, Project, Prompt, Ranking, Turn


def run(project: Project, format, data, **more) -> imports.Report:
    if not isinstance(data, bytes):
        data = "".join(json.dumps(row) + "\n" for row in data).encode()
    return imports.run(project=project, format=format, file=io.BytesIO(data), **more)


PAIR = {"prompt": "Why?", "completion": " Because. END"}


# -- what is refused ---------------------------------------------------------------------------------


def test_bad_lines_are_counted_with_their_reason_and_cost_no_other(project: Project) -> None:
    good = [json.dumps({"prompt": f"Why {n}?", "completion": "So."}).encode() for n in range(3)]
    lines = [
        good[0],
        b'{"prompt": "broken',
        b'{"prompt": "a\\u0000b", "completion": "NUL"}',
        b'{"prompt": "half \\ud83d", "completion": "surrogate"}',
        b"\xff\xfe not utf-8",
        good[1],
        b"",
        b'{"prompt": "", "completion": "no prompt"}',
        b'{"prompt": "no completion"}',
        json.dumps({"prompt": "long", "completion": "x" * 1_000_001}).encode(),
        json.dumps({"prompt": "just fits", "completion": "x" * 1_000_000}).encode(),
        b'{"id": "7", "prompt": "first", "completion": "with this id"}',
        b'{"id": "7", "prompt": "second", "completion": "with this id"}',
        b'{"prompt": "n", "completion": NaN}',
        b'{"prompt": "same", "completion": "twice"}',
        b'{"completion": "twice", "prompt": "same"}',
        b"[" * 100_000,
        good[2],
    ]
    report = run(project, "instructgpt", b"\n".join(lines))
    reasons = {error["line"]: error["reason"] for error in report.errors}
    assert {line: reason.split(":")[0][:46] for line, reason in reasons.items()} == {
        2: "The line is no JSON",
        3: "The prompt cannot be stored",
        4: "The prompt cannot be stored",
        5: "The line is not UTF-8 (byte 1).",
        8: "The prompt is empty.",
        9: "There is no completion.",
        10: "The completion cannot be stored",
        13: "The id '7' was on line 12 already.",
        14: "The line is no JSON",
        16: "The record says the same as line 15.",
        17: "The line is no JSON",
    }
    assert (report.rows, report.imported, report.rejected) == (17, 6, 11)
    assert Dialogue.objects.count() == 6


def test_line_ends_inside_a_text_split_nothing(project: Project) -> None:
    text = "a\u2028b\x85c\x0bd\x0ce"
    report = run(
        project, "instructgpt", (json.dumps({"prompt": text, "completion": text}, ensure_ascii=False) + "\r\n").encode()
    )
    assert (report.rows, report.imported) == (1, 1)
    assert set(Turn.objects.values_list("text", flat=True)) == {text}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("{}".encode("utf-16"), "UTF-16"),
        (gzip.compress(b'{"prompt": "a", "completion": "b"}\n')[:-12], "damaged"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_whole(project: Project, data, words: str) -> None:
    with pytest.raises(imports.Unreadable, match=words):
        run(project, "instructgpt", data)


def test_roles_that_are_empty_or_out_of_order_are_refused(project: Project) -> None:
    rows = [
        {"messages": [{"role": "", "content": "a"}, {"role": "assistant", "content": "b"}]},
        {"messages": [{"role": "user", "content": " "}, {"role": "assistant", "content": "b"}]},
        {"messages": [{"role": "assistant", "content": "b"}]},
        {"messages": [{"role": "user", "content": "a"}]},
        {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": None, "tool_calls": [1]}]},
        {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]},
    ]
    report = run(project, "openai", rows)
    assert (report.imported, [error["line"] for error in report.errors]) == (1, [1, 2, 3, 4, 5])


def test_a_wrong_format_refuses_every_line_and_says_why(project: Project) -> None:
    report = run(project, "oasst", [PAIR, PAIR | {"prompt": "other"}])
    assert (report.rows, report.imported, report.rejected) == (2, 0, 2)
    with pytest.raises(plugins.UnknownPlugin, match="'parquet' is not one of alpaca"):
        run(project, "parquet", [PAIR])


# -- files -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        json.dumps([PAIR, {"prompt": "b", "completion": "c"}]).encode(),
        json.dumps([PAIR, {"prompt": "b", "completion": "c"}], indent=2).encode(),
        gzip.compress("".join(json.dumps(r) + "\n" for r in [PAIR, {"prompt": "b", "completion": "c"}]).encode()),
        b"\xef\xbb\xbf" + "".join(json.dumps(r) + "\r\n" for r in [PAIR, {"prompt": "b", "completion": "c"}]).encode(),
        b'prompt,completion\r\nWhy?," Because. END"\r\n"b\nwith, more","c ""quoted"""\r\n',
        b"prompt;completion\nWhy?;Because. END\nb;c\n",
        b"prompt\tcompletion\nWhy?\tBecause. END\nb\tc",
    ],
)
def test_json_lines_arrays_csv_and_gzip_are_read(project: Project, data) -> None:
    assert imports.detect(io.BytesIO(data)) == "instructgpt"
    report = run(project, "instructgpt", data)
    assert (report.rows, report.imported, report.errors) == (2, 2, [])
    assert Turn.objects.filter(text="Because.").count() == 1


def test_a_bad_csv_row_costs_no_other(project: Project) -> None:
    data = b'prompt,completion\na,b\nc\nd,"\xff"\ne,f\n'
    report = run(project, "instructgpt", data)
    assert (report.imported, [e["line"] for e in report.errors]) == (2, [3, 4])


def test_a_quote_that_is_never_closed_costs_its_own_line(project: Project) -> None:
    data = b'prompt,completion\na,b\n"c,d\ne,"f\nf"\n"g,h\ni,j\n'
    report = run(project, "instructgpt", data)
    assert (report.imported, [e["line"] for e in report.errors]) == (3, [3, 6])
    assert Turn.objects.filter(text="f\nf").exists()


def test_a_file_in_no_known_format_is_refused_with_what_it_holds(project: Project) -> None:
    for data, told in (
        (b'{"turns": ["a"], "id": 1}', "has the fields turns, id"),
        (b'"a"', "is a text"),
        (b"", "no record"),
    ):
        with pytest.raises(imports.Unreadable, match=told):
            run(project, "", data)


def test_an_array_that_is_cut_off_keeps_what_came_before(project: Project) -> None:
    report = run(project, "instructgpt", json.dumps([PAIR, {"prompt": "b", "completion": "c"}]).encode()[:-8])
    assert (report.imported, report.rejected) == (1, 1)


# -- storing -----------------------------------------------------------------------------------------


def test_the_same_file_twice_makes_nothing_twice(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "BATCH", 2)
    rows = [{"prompt": f"Why {n}?", "completion": "So."} for n in range(5)]
    assert run(project, "instructgpt", rows).imported == 5
    again = run(project, "instructgpt", [*rows, {"prompt": "new", "completion": "So."}])
    assert (again.imported, again.already_there, again.rejected) == (1, 5, 0)
    assert Dialogue.objects.count() == 6


def test_a_kill_between_batches_loses_nothing_that_a_second_import_does_not_find(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "BATCH", 2)
    rows = [{"prompt": f"Why {n}?", "completion": "So."} for n in range(6)]

    def die(count) -> None:
        if count >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(project, "instructgpt", rows, progress=die)
    assert Dialogue.objects.count() == 4
    report = run(project, "instructgpt", rows)
    assert (report.imported, report.already_there) == (2, 4)


def test_an_ordered_comparison_is_an_imported_ranking_and_no_vote_of_ours(project: Project) -> None:
    rows = [{"chosen": "\n\nHuman: Hi\n\nAssistant: A", "rejected": "\n\nHuman: Hi\n\nAssistant: B"}]
    run(project, "hh", rows, source="hh-rlhf")
    comparison = Comparison.objects.get()
    ranking = Ranking.objects.get()
    assert (comparison.kind, comparison.state, comparison.source) == ("imported", "closed", "hh-rlhf")
    assert (ranking.kind, ranking.trainer, ranking.assignment) == ("imported", None, None)
    best = comparison.candidates.get(completion_id=ranking.groups[0][0])
    assert best.completion.text == "A"
    assert comparison.source_row["row"] == rows[0]
    assert comparison.source_row["importer"] == "hh/1"


def test_completions_without_an_order_wait_for_votes(project: Project, alice: User) -> None:
    rows = [{"messages": [{"role": "user", "content": "Hi"}], "completions": [{"text": "A"}, {"text": "B"}]}]
    run(project, "openai", rows)
    comparison = Comparison.objects.get()
    assert (comparison.kind, comparison.state) == ("normal", "open")
    assert not Ranking.objects.exists()


def test_prompts_go_to_the_pool(project: Project) -> None:
    report = run(project, "alpaca", [{"instruction": "Add.", "output": "x"}], kind="prompts", source="pool")
    assert report.made == {"prompts": 1}
    assert Prompt.objects.get().messages == [{"role": "user", "content": "Add."}]


def test_a_dry_run_counts_shows_and_stores_nothing(project: Project) -> None:
    report = imports.preview(project=project, format="", file=io.BytesIO(json.dumps(PAIR).encode()))
    assert (report.format, report.imported) == ("instructgpt", 1)
    (sample,) = report.samples
    assert sample["before"] == PAIR
    assert sample["after"][0]["messages"][-1] == {"role": "assistant", "content": "Because."}
    assert "stop 'END' dropped from the completion" in sample["transforms"]
    assert not Dialogue.objects.exists()


def test_an_import_can_be_taken_back_and_made_again(project: Project) -> None:
    rows = [{"chosen": "\n\nHuman: Hi\n\nAssistant: A", "rejected": "\n\nHuman: Hi\n\nAssistant: B"}]
    run(project, "hh", rows, source="one")
    run(project, "instructgpt", [PAIR], source="two")
    counts = imports.revert(project=project, source="one")
    assert counts["comparisons"] == 1
    assert not Comparison.objects.exists()
    assert Dialogue.objects.count() == 1
    assert run(project, "hh", rows, source="one").imported == 1


def test_equal_prompts_get_one_split_across_imports(project: Project) -> None:
    project.test_share = 0.5
    project.save(update_fields=["test_share"])
    run(project, "instructgpt", [{"prompt": f"Why {n}?", "completion": "a"} for n in range(20)])
    project.test_share = 0.0
    project.save(update_fields=["test_share"])
    run(project, "instructgpt", [{"prompt": f"WHY  {n}?", "completion": "b"} for n in range(20)])
    sides = {}
    for key, split in Dialogue.objects.values_list("prompt_key", "split"):
        sides.setdefault(key, set()).add(split)
    assert len(sides) == 20
    assert all(len(side) == 1 for side in sides.values())
    assert {"test"} in sides.values()


def test_the_command_ends_with_json(project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text(json.dumps(PAIR) + "\n{\n")
    call_command("import_dialogues", project.slug, "instructgpt", str(path), "--source", "pairs")
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (said["rows"], said["imported"], said["rejected"]) == (2, 1, 1)
    assert said["errors"][0]["line"] == 2
    assert Dialogue.objects.get().source == "pairs"
    for arguments, words in (
        ([project.slug, "word", str(path)], "'word' is not one of"),
        (["nowhere", "hh", str(path)], "no project"),
        ([project.slug, "hh", str(tmp_path / "none")], "cannot be read"),
        ([project.slug, "hh", str(tmp_path)], "cannot be read"),
    ):
        with pytest.raises(CommandError, match=words):
            call_command("import_dialogues", *arguments)
