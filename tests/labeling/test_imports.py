"""Imports: what each format becomes, what is refused and why, and that nothing else is lost."""

import gzip
import io
import json

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common import plugins
from labeling import imports
from labeling.importers.base import Asked, Item, Rejected, Steps
from labeling.models import Comparison, Dialogue, Prompt, Ranking, Turn

CHOICES = plugins.choices(imports.IMPORTERS)


def parsed(format, record, kind="", **asked) -> tuple[list[Item], list[str]]:
    steps = Steps(Asked(**asked))
    return plugins.load(imports.IMPORTERS, format).parse(record, kind, steps), steps.taken


def texts(item: Item) -> list[tuple[str, str]]:
    return [(m["role"][0], m["content"]) for m in item.messages]


def run(project, format, data, **more) -> imports.Report:
    if not isinstance(data, bytes):
        data = "".join(json.dumps(row) + "\n" for row in data).encode()
    return imports.run(project=project, format=format, file=io.BytesIO(data), **more)


PAIR = {"prompt": "Why?", "completion": " Because. END"}


# -- what each format becomes ------------------------------------------------------------------------


def test_prompt_and_completion_lose_their_framing_and_nothing_else():
    (item,), steps = parsed("instructgpt", {"prompt": "Is it spam?\r\n\n\n###\n\n", "completion": " yes END"})
    assert texts(item) == [("u", "Is it spam?"), ("a", "yes")]
    assert steps == [
        "separator '###' dropped from the prompt",
        "outer whitespace of the prompt stripped",
        "stop 'END' dropped from the completion",
        "outer whitespace of the answer stripped",
    ]
    (item,), _ = parsed("instructgpt", {"prompt": "A THE END", "completion": "x<|endoftext|>"})
    assert texts(item) == [("u", "A THE END"), ("a", "x")]


def test_a_transcript_becomes_turns_only_on_request_and_only_whole():
    chat = {"prompt": "User: fan is loud\nAssistant: Always?\nUser: all the time\nAssistant:", "completion": "Dust."}
    (item,), _ = parsed("instructgpt", chat)
    assert len(item.messages) == 2
    (item,), steps = parsed("instructgpt", chat, split_turns=True)
    assert texts(item) == [("u", "fan is loud"), ("a", "Always?"), ("u", "all the time"), ("a", "Dust.")]
    assert "transcript of User:/Assistant: split into turns" in steps
    for about in (
        "Sum this up.\n---\nUser: a\nAssistant: b\nUser: c\nAssistant:",
        "Q: one\nA: two",
        "Q: a\nQ: b\nA:",
        "User: a\nAssistant:\nUser: b\nAssistant:",
    ):
        (item,), _ = parsed("instructgpt", {"prompt": about, "completion": "x"}, split_turns=True)
        assert len(item.messages) == 2, about


def test_alpaca_joins_instruction_and_input_and_takes_the_preamble_off():
    preamble = (
        "Below is an instruction that describes a task, paired with an input that provides further context. "
        "Write a response that appropriately completes the request."
    )
    (item,), _ = parsed("alpaca", {"instruction": "Add.", "input": "1 2", "output": "3"})
    assert texts(item) == [("u", "Add.\n\n1 2"), ("a", "3")]
    whole = f"{preamble}\n\n### Instruction:\nAdd.\n\n### Input:\n1 2\n\n### Response:"
    (item,), steps = parsed("alpaca", {"instruction": whole, "output": "3"})
    assert texts(item) == [("u", "Add.\n\n1 2"), ("a", "3")]
    assert "Alpaca preamble taken off" in steps
    (item,), _ = parsed("alpaca", {"instruction": whole, "output": "3"}, keep_preamble=True)
    assert texts(item)[0] == ("s", preamble)


def test_sharegpt_becomes_a_dialogue_or_a_comparison():
    turns = [
        {"from": "system", "value": "Be brief."},
        {"from": "human", "value": "Hi"},
        {"from": "gpt", "value": " Hello "},
    ]
    (item,), _ = parsed("sharegpt", {"conversations": turns})
    assert (item.kind, texts(item)) == ("demonstrations", [("s", "Be brief."), ("u", "Hi"), ("a", "Hello")])
    record = {
        "conversations": turns[:2],
        "chosen": {"from": "gpt", "value": "A"},
        "rejected": {"from": "gpt", "value": "B"},
    }
    (item,), _ = parsed("sharegpt", record)
    assert (item.kind, item.groups, [c.text for c in item.completions]) == ("comparisons", ((0,), (1,)), ["A", "B"])
    (item,), _ = parsed("sharegpt", record, "demonstrations")
    assert texts(item)[-1] == ("a", "A")


def test_openai_messages_preferences_and_k_completions():
    messages = [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]
    (item,), steps = parsed("openai", {"messages": [*messages, {"role": "assistant", "content": "Hello", "weight": 1}]})
    assert texts(item) == [("u", "Hi"), ("a", "Hello")]
    assert steps == ["text parts joined"]
    one = [{"role": "assistant", "content": "A"}]
    two = [{"role": "assistant", "content": "B"}]
    record = {"input": {"messages": messages}, "preferred_output": one, "non_preferred_output": two}
    (item,), _ = parsed("openai", record)
    assert [c.text for c in item.completions] == ["A", "B"]
    several = {"messages": messages, "completions": [{"id": c, "text": f"text {c}"} for c in "ABC"]}
    (item,), _ = parsed("openai", {**several, "ranking": [["B"], ["A", "C"]]})
    assert item.groups == ((1,), (0, 2))
    (item,), _ = parsed("openai", several)
    assert item.groups == ()


def test_hh_takes_only_true_markers():
    chosen = "\n\nHuman: One?\n\nAssistant: Two\n\nlines, says\n\nHuman\n\nHuman: And?\n\nAssistant: Yes"
    (item,), _ = parsed("hh", {"chosen": chosen, "rejected": chosen[:-3] + "No"})
    assert texts(item) == [("u", "One?"), ("a", "Two\n\nlines, says\n\nHuman"), ("u", "And?")]
    assert [c.text for c in item.completions] == ["Yes", "No"]


def test_oasst_trees_give_every_ranked_group_or_the_best_path():
    def reply(text, rank=None, role="assistant", **more):
        return {"message_id": text, "text": text, "role": role, "rank": rank, "replies": [], **more}

    deep = reply("B", 0)
    deep["replies"] = [reply("And?", None, "prompter")]
    deep["replies"][0]["replies"] = [reply("Y", 1), reply("X", 0), reply("unranked")]
    tree = {"message_tree_id": "t", "prompt": reply("Q", None, "prompter")}
    tree["prompt"]["replies"] = [reply("A", 1), deep, reply("gone", 2, deleted=True)]
    items, steps = parsed("oasst", tree)
    assert [([c.text for c in item.completions], item.groups) for item in items] == [
        (["B", "A"], ((0,), (1,))),
        (["X", "Y"], ((0,), (1,))),
    ]
    assert texts(items[1]) == [("u", "Q"), ("a", "B"), ("u", "And?")]
    assert set(steps) == {"deleted or empty replies skipped", "replies without a rank left out of the order"}
    (item,), _ = parsed("oasst", tree, "demonstrations")
    assert texts(item) == [("u", "Q"), ("a", "B"), ("u", "And?"), ("a", "X")]


@pytest.mark.parametrize("format", CHOICES)
@pytest.mark.parametrize(
    "record", [None, 1, "text", [], {}, {"prompt": None}, {"messages": "x"}, {"conversations": [1]}]
)
def test_every_importer_refuses_a_strange_record_with_a_sentence(format, record):
    with pytest.raises(Rejected) as refused:
        parsed(format, record)
    assert str(refused.value).endswith(".")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = "prompt completion instruction input output conversations chosen rejected messages completions type record"
FIELDS = st.sampled_from(NAMES.split())


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(CHOICES), st.dictionaries(FIELDS, JSON, max_size=4), st.sampled_from(["", "prompts", "comparisons"])
)
def test_no_record_makes_an_importer_fall_over(format, record, kind):
    try:
        parsed(format, record, kind)
    except Rejected as refused:
        assert str(refused)  # noqa: PT017 - either outcome is right, a third is not


# -- what is refused ---------------------------------------------------------------------------------


def test_bad_lines_are_counted_with_their_reason_and_cost_no_other(project):
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


def test_line_ends_inside_a_text_split_nothing(project):
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
def test_a_file_that_cannot_be_read_is_refused_whole(project, data, words):
    with pytest.raises(imports.Unreadable, match=words):
        run(project, "instructgpt", data)


def test_roles_that_are_empty_or_out_of_order_are_refused(project):
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


def test_a_wrong_format_refuses_every_line_and_says_why(project):
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
def test_json_lines_arrays_csv_and_gzip_are_read(project, data):
    assert imports.detect(io.BytesIO(data)) == "instructgpt"
    report = run(project, "instructgpt", data)
    assert (report.rows, report.imported, report.errors) == (2, 2, [])
    assert Turn.objects.filter(text="Because.").count() == 1


def test_a_bad_csv_row_costs_no_other(project):
    data = b'prompt,completion\na,b\nc\nd,"\xff"\ne,f\n'
    report = run(project, "instructgpt", data)
    assert (report.imported, [e["line"] for e in report.errors]) == (2, [3, 4])


def test_an_array_that_is_cut_off_keeps_what_came_before(project):
    report = run(project, "instructgpt", json.dumps([PAIR, {"prompt": "b", "completion": "c"}]).encode()[:-8])
    assert (report.imported, report.rejected) == (1, 1)


# -- storing -----------------------------------------------------------------------------------------


def test_the_same_file_twice_makes_nothing_twice(project, monkeypatch):
    monkeypatch.setattr(imports, "BATCH", 2)
    rows = [{"prompt": f"Why {n}?", "completion": "So."} for n in range(5)]
    assert run(project, "instructgpt", rows).imported == 5
    again = run(project, "instructgpt", [*rows, {"prompt": "new", "completion": "So."}])
    assert (again.imported, again.already_there, again.rejected) == (1, 5, 0)
    assert Dialogue.objects.count() == 6


def test_a_kill_between_batches_loses_nothing_that_a_second_import_does_not_find(project, monkeypatch):
    monkeypatch.setattr(imports, "BATCH", 2)
    rows = [{"prompt": f"Why {n}?", "completion": "So."} for n in range(6)]

    def die(count):
        if count >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(project, "instructgpt", rows, progress=die)
    assert Dialogue.objects.count() == 4
    report = run(project, "instructgpt", rows)
    assert (report.imported, report.already_there) == (2, 4)


def test_an_ordered_comparison_is_an_imported_ranking_and_no_vote_of_ours(project):
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


def test_completions_without_an_order_wait_for_votes(project, alice):
    rows = [{"messages": [{"role": "user", "content": "Hi"}], "completions": [{"text": "A"}, {"text": "B"}]}]
    run(project, "openai", rows)
    comparison = Comparison.objects.get()
    assert (comparison.kind, comparison.state) == ("normal", "open")
    assert not Ranking.objects.exists()


def test_prompts_go_to_the_pool(project):
    report = run(project, "alpaca", [{"instruction": "Add.", "output": "x"}], kind="prompts", source="pool")
    assert report.made == {"prompts": 1}
    assert Prompt.objects.get().messages == [{"role": "user", "content": "Add."}]


def test_a_dry_run_counts_shows_and_stores_nothing(project):
    report = imports.preview(project=project, format="", file=io.BytesIO(json.dumps(PAIR).encode()))
    assert (report.format, report.imported) == ("instructgpt", 1)
    (sample,) = report.samples
    assert sample["before"] == PAIR
    assert sample["after"][0]["messages"][-1] == {"role": "assistant", "content": "Because."}
    assert "stop 'END' dropped from the completion" in sample["transforms"]
    assert not Dialogue.objects.exists()


def test_an_import_can_be_taken_back_and_made_again(project):
    rows = [{"chosen": "\n\nHuman: Hi\n\nAssistant: A", "rejected": "\n\nHuman: Hi\n\nAssistant: B"}]
    run(project, "hh", rows, source="one")
    run(project, "instructgpt", [PAIR], source="two")
    counts = imports.revert(project=project, source="one")
    assert counts["comparisons"] == 1
    assert not Comparison.objects.exists()
    assert Dialogue.objects.count() == 1
    assert run(project, "hh", rows, source="one").imported == 1


def test_equal_prompts_get_one_split_across_imports(project):
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


def test_the_command_ends_with_json(project, tmp_path, capsys):
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
