"""docs/formats.md lists every column of every configuration, and `format_version` rises with a new one."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from common.plugins import Folder
from exports.formats.base import FORMATS, Format, Kind
from exports.renderings.base import RENDERINGS
from exports.sources.base import Record
from exports.writing.files import Row
from exports.writing.manifest import FORMAT_VERSION

DOCS = Path(__file__).resolve().parents[2] / "docs/formats.md"
# By version, what the columns of all configurations come to. A new column: a new version, and its line here.
VERSIONS = {
    1: "c813a116724e51a62d834fc1bc5b88ff13f64d9596423fa63fb5e300e25921ca",
    2: "680991d46863e183f49ac30b224846a3d052fc9fb0cbb2ee0d03256a034264b3",
    3: "5c3c43d3af40c03579d5db453193dbf53382412c4c528159a3a936534c9a61f1",
    4: "6f9eb8a8097671092edd3d6e04a72d1692da6bf63c8b4dde8ba52f597d85776e",
    5: "5e0088c94277883a6d85bcf5cddac05be367eea40400f2cec200ca2d150a519a",
    6: "f7d5b82844ab703133e3eed535496d96b1f741b7e0745c80672cda748bb294ae",
    7: "91786875624ccbe7c4aa6dec8ba7e710c799d915490f1e9ebd1cf81b40a846b0",
    8: "0c17e837e68b158525893dd0010d8d212d6333086e4aa7f0203e04262e12e21a",
    9: "0c17e837e68b158525893dd0010d8d212d6333086e4aa7f0203e04262e12e21a",  # `raw` tells of red-team chats
}


def words(kind: Kind) -> str:
    if isinstance(kind, str):
        return kind
    if isinstance(kind, list):
        return f"list of {words(kind[0])}"
    return "message" if list(kind) == ["role", "content"] else "object"


def columns(folder: Folder[Format[Record, Row]]) -> list[tuple[str, str, str]]:
    found = []
    for name in folder.choices():
        for column, kind in (folder.load(name).columns or {}).items():
            found.append((name, column, words(kind)))
            inner = kind[0] if isinstance(kind, list) else kind
            if words(kind) == "list of object" and isinstance(inner, dict):
                found += [(name, f"{column}[].{key}", words(value)) for key, value in inner.items()]
    return found


def documented() -> list[tuple[str, str, str]]:
    table = DOCS.read_text().split("| configuration | column | type | meaning |")[1].split("\n\n")[0]
    cells = [[cell.strip().strip("`") for cell in line.split("|")] for line in table.splitlines()[2:]]
    assert all(cell[4] for cell in cells)
    return [(cell[1], cell[2], cell[3]) for cell in cells]


def test_the_table_of_the_docs_is_what_the_writers_declare() -> None:
    assert documented() == columns(FORMATS)


def test_a_new_column_raises_the_format_version() -> None:
    digest = hashlib.sha256(json.dumps(sorted(columns(FORMATS))).encode()).hexdigest()
    assert VERSIONS[FORMAT_VERSION] == digest
    assert max(VERSIONS) == FORMAT_VERSION


def test_every_format_and_rendering_offers_what_its_contract_says() -> None:
    for name in FORMATS.choices():
        format = FORMATS.load(name)
        assert format.about
        assert next(iter(format.columns or ())) == "id"
    for name in RENDERINGS.choices():
        rendering = RENDERINGS.load(name)
        assert rendering.about
        assert rendering.of in FORMATS.choices()
