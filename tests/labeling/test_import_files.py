"""Files of imports: how they are read, and what is refused and why, without loss of anything else."""

from __future__ import annotations

import gzip
import io
import json

import pytest

from common import plugins
from common.shapes import JsonLike
from labeling import imports
from labeling.models import Dialogue, Project, Prompt, Turn
from tests.labeling.importing import PAIR, run

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
        2: "The line is not JSON",
        3: "The prompt cannot be stored",
        4: "The prompt cannot be stored",
        5: "The line is not UTF-8 (byte 1).",
        8: "The prompt is empty.",
        9: "There is no completion.",
        10: "The completion cannot be stored",
        13: "The id '7' was on line 12 already.",
        14: "The line is not JSON",
        16: "The record says the same as line 15.",
        17: "The line is not JSON",
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
        (b"PK\x03\x04" + b"\0" * 40, "zip archive.*unpack"),
        (b"PAR1" + b"\0" * 40, "Parquet.*JSON Lines"),
        (b"BZh91AY&SY", "bzip2 -d"),
        (b"\x28\xb5\x2f\xfd\0\0", "zstd -d"),
        (b"\0" * 257 + b"ustar" + b"\0" * 40, "tar archive"),
        (gzip.compress(b'{"prompt": "a", "completion": "b"}\n')[:-12], "damaged"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_whole(project: Project, data: bytes, words: str) -> None:
    with pytest.raises(imports.Unreadable, match=words):
        run(project, "instructgpt", data)


def test_roles_that_are_empty_or_out_of_order_are_refused(project: Project) -> None:
    rows: list[JsonLike] = [
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
def test_json_lines_arrays_csv_and_gzip_are_read(project: Project, data: bytes) -> None:
    assert imports.detect(io.BytesIO(data)) == "instructgpt"
    report = run(project, "instructgpt", data)
    assert (report.rows, report.imported, report.errors) == (2, 2, [])
    assert Turn.objects.filter(text="Because.").count() == 1


@pytest.mark.parametrize(
    ("data", "texts"),
    [
        (
            b'prompt\n"How do I boil an egg?"\n"Rice, onions: what now?"\n',
            ["How do I boil an egg?", "Rice, onions: what now?"],
        ),
        (b"prompt\r\nRice, onions: what now?\r\n", ["Rice, onions: what now?"]),
        (b'"prompt","source"\n"Why, then?","me"\n', ["Why, then?"]),
        (b"Question;Topic\nWhy?;a\nHow?;b\n", ["Why?", "How?"]),
        ("Why?\n\n  Größe?  \nHow?".encode(), ["Why?", "Größe?", "How?"]),
        (b"One\ntwo\n---\nThree\n---\n", ["One\ntwo", "Three"]),
    ],
)
def test_a_table_or_a_text_of_prompts_needs_no_name_of_a_format(
    project: Project, data: bytes, texts: list[str]
) -> None:
    report = run(project, "", data)
    assert (report.format, report.imported, report.errors) == ("prompts", len(texts), [])
    assert sorted(str(prompt.messages[-1]["content"]) for prompt in Prompt.objects.all()) == sorted(texts)


@pytest.mark.parametrize("data", [b"\x89PNG\x00\x01\nab\n", b"ab\xff\xfe\ncd\n", b"# note\n{broken\n"])
def test_what_nobody_wrote_is_no_text_of_prompts(project: Project, data: bytes) -> None:
    with pytest.raises(imports.Unreadable, match="a column named prompt"):
        run(project, "", data)


def test_a_line_of_a_text_that_cannot_be_read_costs_no_other(project: Project) -> None:
    start = b"fine\na line\n" + b"x" * (1 << 17) + b"\n"
    report = run(project, "", start + b"bad \xff\n" + b"y" * (1 << 20) + b"\nlast\n")
    assert (report.imported, [e["line"] for e in report.errors]) == (4, [4, 5])


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
