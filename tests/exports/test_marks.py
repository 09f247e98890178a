"""Grades on criteria and marks on words in `rankings`: what they count is the text that stands beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from accounts.models import User
from labeling import projects
from labeling.models import Project
from labeling.spans import Span
from sampler.models import Completion
from tests import makers
from tests.exports.makers import export, given, rows

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("text", "marked", "words"),
    [
        ("  Write to\r\nann@example.org.  ", (2, 7), "Write"),
        ("\n\N{GRINNING FACE} smile\r\nand wave ", (9, 17), "and wave"),
        ("  Blank  ", (0, 4), "Bl"),
        ("  Blank  ", (0, 2), ""),
    ],
)
def test_places_are_those_of_the_text_as_written(
    project: Project, alice: User, tmp_path: Path, text: str, marked: tuple[int, int], words: str
) -> None:
    projects.change_settings(project=project, span_categories=["rude"], criteria=[{"name": "honest", "steps": 3}])
    made = makers.make_comparison(project, k=2)
    cid = str(given(made.candidates.order_by("index").first()).completion_id)
    Completion.objects.filter(pk=cid).update(text=text)
    mark: Span = {"start": marked[0], "end": marked[1], "category": "rude", "comment": "Ask ann@example.org"}
    makers.make_ranking(made, alice, spans={cid: [mark]}, criteria={cid: {"honest": 2}})
    export(project, tmp_path / "x", "--config", "rankings")
    (row,) = rows(tmp_path / "x", "rankings")
    assert row["scales"] == [{"name": "honest", "steps": 3}]
    one = next(answer for answer in row["completions"] if answer["completion_id"] == cid)
    other = next(answer for answer in row["completions"] if answer["completion_id"] != cid)
    assert (other["spans"], other["criteria"]) == ([], [])
    assert one["criteria"] == [{"name": "honest", "grade": 2}]
    found = [one["completion"][0]["content"][span["start"] : span["end"]] for span in one["spans"]]
    assert found == ([words] if words else [])


def test_a_redacted_text_has_no_marks_and_they_are_counted(project: Project, alice: User, tmp_path: Path) -> None:
    projects.change_settings(project=project, span_categories=["rude"])
    made = makers.make_comparison(project, k=2)
    first, second = (str(one.completion_id) for one in made.candidates.order_by("index"))
    Completion.objects.filter(pk=first).update(text="Write to ann@example.org.")
    mark: Span = {"start": 0, "end": 5, "category": "rude", "comment": "Ask ann@example.org"}
    makers.make_ranking(made, alice, spans={first: [mark], second: [mark]})
    manifest = export(project, tmp_path / "x", "--config", "rankings", "--redact")
    (row,) = rows(tmp_path / "x", "rankings")
    spans = {answer["completion_id"]: answer["spans"] for answer in row["completions"]}
    assert spans == {first: [], second: [{**mark, "comment": "Ask [EMAIL]"}]}
    assert manifest["counts"]["marks on redacted texts"] == 1
