"""What every importer has to keep: fields mapped, named or refused; refusals in a sentence; no crash."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.shapes import Json, JsonLike, JsonObject
from labeling import imports
from labeling.importers.base import IMPORTERS, TELLING, Grouping, Rejected, Transforms
from labeling.models import Comparison, Dialogue, Project, Prompt, Ranking, TurnFeedback
from tests.labeling.import_examples import EXAMPLES
from tests.labeling.importing import parsed, run

CHOICES = IMPORTERS.choices()


def records_of(format: str) -> list[Json]:
    """The examples as the importer is given them."""
    importer = IMPORTERS.load(format)
    if isinstance(importer, Grouping):
        return [record for _, record in importer.grouped(enumerate(EXAMPLES[format]))]
    return [*EXAMPLES[format]]


@pytest.mark.parametrize("format", CHOICES)
@pytest.mark.parametrize(
    "record", [None, 1, "text", [], {}, {"prompt": None}, {"messages": "x"}, {"conversations": [1]}, {"data": 1}]
)
def test_every_importer_refuses_a_strange_record_with_a_sentence(format: str, record: Json) -> None:
    with pytest.raises(Rejected) as refused:
        parsed(format, record)
    assert str(refused.value).endswith(".")


@pytest.mark.parametrize("format", CHOICES)
def test_an_importer_takes_its_examples_and_uses_every_field_of_them(format: str) -> None:
    importer = IMPORTERS.load(format)
    assert importer.about
    assert importer.version >= 1
    for record in records_of(format):
        assert isinstance(record, dict)
        transforms = Transforms()
        fields = transforms.opened(record)
        assert importer.parse(fields, "", transforms)
        own = {name for name in fields.read if name in record}
        assert own <= importer.keys | {"id", "message_tree_id"}


@pytest.mark.parametrize("format", CHOICES)
def test_a_field_that_an_importer_does_not_read_is_named_and_changes_nothing(format: str) -> None:
    (record, *_) = records_of(format)
    assert isinstance(record, dict)
    transforms, plain = Transforms(), Transforms()
    items = IMPORTERS.load(format).parse({**record, "something else": [1]}, "", transforms)
    assert items == IMPORTERS.load(format).parse(record, "", plain)
    assert set(transforms.unused()) - set(plain.unused()) == {"something else"}


@pytest.mark.parametrize("format", CHOICES)
@pytest.mark.parametrize("name", sorted(TELLING))
def test_a_field_that_changes_what_a_record_says_is_read_or_refused_by_its_name(format: str, name: str) -> None:
    """Whatever stands in it: mapped to what is made, or the reason of a refusal; never left out without a word."""
    for record in records_of(format):
        assert isinstance(record, dict)
        if name in record:
            continue
        odd: tuple[Json, ...] = (False, "odd", [{"odd": 1}])
        for value in odd:
            transforms = Transforms()
            fields = transforms.opened({**record, name: value})
            try:
                IMPORTERS.load(format).parse(fields, "", transforms)
                transforms.unused()
            except Rejected:
                continue
            assert name in fields.read, (format, record, value)


@pytest.mark.parametrize("weight", [0, 0.0, "0"])
@pytest.mark.parametrize("format", CHOICES)
def test_a_weight_of_nothing_is_no_example(format: str, weight: Json) -> None:
    (record, *_) = records_of(format)
    assert isinstance(record, dict)
    transforms = Transforms()
    IMPORTERS.load(format).parse({**record, "weight": weight}, "", transforms)
    with pytest.raises(Rejected, match="'weight'"):
        transforms.unused()


@pytest.mark.parametrize("format", CHOICES)
def test_an_example_is_of_one_format_only(format: str) -> None:
    for record in EXAMPLES[format]:
        matching = [name for name in CHOICES if IMPORTERS.load(name).matches(record)]
        assert matching == [format], record
        assert imports.detect(io.BytesIO(json.dumps(record).encode())) == format


@pytest.mark.parametrize("format", CHOICES)
def test_the_examples_are_stored_once_and_counted(project: Project, format: str) -> None:
    rows: list[JsonLike] = [{**record, "not ours": 1} for record in EXAMPLES[format]]
    report = run(project, format, rows, source="s")
    assert (report.rows, report.rejected, report.imported) == (len(rows), 0, len(rows)), report.errors
    assert report.made
    stored = [m.objects.count() for m in (Prompt, Dialogue, Comparison, Ranking, TurnFeedback)]
    again = run(project, format, list(reversed(rows)) if format != "oasst_messages" else rows, source="s")
    assert (again.imported, again.already_there, again.rejected) == (0, len(rows), 0), again.errors
    assert stored == [m.objects.count() for m in (Prompt, Dialogue, Comparison, Ranking, TurnFeedback)]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(sorted({key for name in CHOICES for key in IMPORTERS.load(name).keys}))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(CHOICES), st.dictionaries(FIELDS, JSON, max_size=4), st.sampled_from(["", "prompts", "comparisons"])
)
def test_no_record_makes_an_importer_fall_over(format: str, record: JsonObject, kind: str) -> None:
    try:
        parsed(format, record, kind)
    except Rejected as refused:
        assert str(refused)  # noqa: PT017 - either outcome is right, a third is not
