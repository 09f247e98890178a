"""One bad record costs one line, whatever it holds, and says why."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client

from accounts.models import User
from common.shapes import JsonLike
from labeling import imports
from labeling.models import Dialogue, Project
from tests.labeling.importing import run, uploaded


def chat(number: int) -> dict[str, JsonLike]:
    said: JsonLike = [{"role": "user", "content": f"q{number}"}, {"role": "assistant", "content": "a"}]
    return {"messages": said}


def nested(depth: int, opened: str = "[", closed: str = "]") -> str:
    return opened * depth + "1" + closed * depth


BAD: dict[str, str] = {
    "NUL in a name": json.dumps({**chat(1), "model": "x\0"}),
    "NUL in a key": json.dumps({**chat(1), "x\0": 1}),
    "NUL deep in a field of no use": json.dumps({**chat(1), "meta": [{"a": ["\0"]}]}),
    "half a surrogate in a name": '{"meta": "\\ud83d", ' + json.dumps(chat(1))[1:],
    "half a surrogate in a key": '{"\\udc00": 1, ' + json.dumps(chat(1))[1:],
    "a number where an object belongs": '{"messages": [1, 2]}',
    "a list in a list": '{"messages": [[], {}]}',
    "a text where a list belongs": '{"messages": "abc"}',
    "a number as the text": '{"messages": [{"role": "user", "content": 1}]}',
    "lists 5,000 deep": '{"meta": ' + nested(5_000) + ", " + json.dumps(chat(1))[1:],
    "objects 5,000 deep": '{"meta": ' + nested(5_000, '{"a":', "}") + ", " + json.dumps(chat(1))[1:],
    "lists 600 deep": '{"meta": ' + nested(600) + ", " + json.dumps(chat(1))[1:],
    "a number without end": '{"meta": ' + "9" * 5_000 + ", " + json.dumps(chat(1))[1:],
    "no JSON": "{'messages': 1}",
    "Infinity": '{"meta": Infinity, ' + json.dumps(chat(1))[1:],
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_line_loses_no_other(project: Project, name: str) -> None:
    data = "\n".join([json.dumps(chat(2)), BAD[name], json.dumps(chat(3))]).encode()
    report = run(project, "openai", data)
    assert (report.rows, report.imported, [e["line"] for e in report.errors]) == (3, 2, [2])


@pytest.mark.parametrize("name", sorted(set(BAD) - {"no JSON"}))
def test_a_bad_value_of_an_array_loses_no_other(project: Project, name: str) -> None:
    data = f"[{json.dumps(chat(2))},\n{BAD[name]},\n{json.dumps(chat(3))}]".encode()
    report = run(project, "openai", data)
    assert (report.rows, report.imported, [e["line"] for e in report.errors]) == (3, 2, [2])


RAW_BODY: dict[str, JsonLike] = {
    "prompt": [{"role": "user", "content": "Hi"}],
    "completions": [{"id": "a", "text": "A"}, {"id": "b", "text": "B"}],
}


@pytest.mark.parametrize(
    "broken",
    [
        {"rankings": 5},
        {"rankings": [5]},
        {"rankings": [{"groups": [["a"], ["b"]], "ratings": "abc"}]},
        {"rankings": [{"groups": [["a"], ["b"]], "ratings": {"a": 1e400}}]},
        {"rankings": [{"groups": "ab"}]},
        {"rankings": [{"groups": [["a"], ["b"]], "flags": {"a": 7}}]},
        {"rankings": [{"groups": [["a"], ["b"]], "strengths": ["x"]}]},
        {"rankings": [{"groups": [["a"], ["b"]], "note": {"a": 1}}]},
        {"completions": [1, 2]},
        {"completions": [{"id": ["a"], "text": "A"}, {"id": "b", "text": "B"}]},
        {"prompt": {"role": "user"}},
    ],
)
def test_wrong_types_in_our_own_archive_cost_their_line(project: Project, broken: dict[str, JsonLike]) -> None:
    good = {"type": "comparison", "record": json.dumps(RAW_BODY)}
    bad = json.dumps({"type": "comparison", "record": json.dumps({**RAW_BODY, **broken})}).replace("Infinity", "1e999")
    report = run(project, "raw", f"{bad}\n{json.dumps(good)}\n".encode())
    assert (report.rows, report.imported, [e["line"] for e in report.errors]) == (2, 1, [1])


def test_what_stands_after_an_array_is_read_or_reported(project: Project) -> None:
    array = json.dumps([chat(1)])
    report = run(project, "openai", f"{array}\n{json.dumps(chat(2))}\n\nrubbish\n[1]\n{json.dumps(chat(3))}".encode())
    assert (report.rows, report.imported, report.rejected) == (5, 3, 2)
    assert [error["line"] for error in report.errors] == [3, 4]


def test_an_indented_object_is_a_record(project: Project) -> None:
    report = run(project, "openai", json.dumps(chat(1), indent=2).encode())
    assert (report.rows, report.imported) == (1, 1)
    several = "\n".join(json.dumps(chat(n), indent=4) for n in (2, 3, 4)).encode()
    report = run(project, "openai", several.replace(b'"q3"', b"oops"))
    assert (report.rows, report.imported, [e["line"] for e in report.errors]) == (3, 2, [2])


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig", "windows-1252", "latin-1"])
@pytest.mark.parametrize("packed", [False, True])
def test_other_encodings_are_read(project: Project, encoding: str, packed: bool) -> None:
    record: JsonLike = {"prompt": "Ça va ?", "completion": "Très bien, merci à vous."}
    data = (json.dumps(record, ensure_ascii=False) + "\n").encode(encoding)
    named = "" if encoding in ("utf-16", "utf-32", "utf-8-sig") else encoding
    report = run(project, "", gzip.compress(data) if packed else data, encoding=named)
    assert (report.imported, report.errors) == (1, [])
    assert Dialogue.objects.get().turns.filter(text="Ça va ?").exists()


def test_a_byte_that_is_not_in_the_encoding_costs_its_line(project: Project) -> None:
    lines = [json.dumps({"prompt": f"é{n}", "completion": "x"}, ensure_ascii=False) for n in range(3)]
    data = "\n".join(lines).encode("utf-16-le").replace("é1".encode("utf-16-le"), b"\x00\xd8" + "1".encode("utf-16-le"))
    report = run(project, "instructgpt", b"\xff\xfe" + data)
    assert (report.imported, [e["line"] for e in report.errors]) == (2, [2])
    for name in ("nonsense", "rot13", "base64", "x" * 500, "a\0"):
        with pytest.raises(imports.Unreadable, match="encoding"):
            run(project, "instructgpt", data, encoding=name)


def test_what_a_terminal_would_obey_reaches_it_escaped(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = "\x1b[2J\x9b\u202e\x07"
    path = tmp_path / "evil.jsonl"
    records: list[JsonLike] = [
        {"messages": [{"role": evil, "content": "a"}]},
        {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": evil + "b"}], evil: 1},
    ]
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    call_command("import_dialogues", project.slug, "openai", str(path), "--dry-run")
    told = capsys.readouterr()
    assert not set(evil[0] + "\x9b\u202e\x07") & set(told.out + told.err)
    assert f"not used: {json.dumps(evil[0])[1:-1]}" in told.out
    assert json.loads(told.out.splitlines()[-1])["rejected"] == 1


@pytest.mark.parametrize("name", BAD)
def test_the_upload_page_costs_one_line_too(project: Project, client: Client, operator: User, name: str) -> None:
    client.force_login(operator)
    data = "\n".join([json.dumps(chat(2)), BAD[name], json.dumps(chat(3))]).encode()
    page = uploaded(client, project, data, format="openai")
    assert page.status_code == 200
    assert page.context["report"]["imported"] == 2
    assert [error["line"] for error in page.context["errors"]] == [2]


def test_a_zip_is_refused_with_a_hint(project: Project) -> None:
    with pytest.raises(imports.Unreadable, match=r"zip archive.*unpack"):
        imports.run(project=project, format="openai", file=io.BytesIO(b"PK\x03\x04rest of it"))
