"""What every importer has to keep: declared fields, refusals in a sentence, no crash on any record."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.shapes import Json, JsonObject
from labeling.importers.base import IMPORTERS, Rejected, Transforms
from tests.labeling.importing import parsed

CHOICES = IMPORTERS.choices()


@pytest.mark.parametrize("format", CHOICES)
@pytest.mark.parametrize(
    "record", [None, 1, "text", [], {}, {"prompt": None}, {"messages": "x"}, {"conversations": [1]}]
)
def test_every_importer_refuses_a_strange_record_with_a_sentence(format: str, record: Json) -> None:
    with pytest.raises(Rejected) as refused:
        parsed(format, record)
    assert str(refused.value).endswith(".")


class Watched(dict[str, Json]):
    """A record that notes which of its fields are asked for."""

    def __init__(self, record: JsonObject, asked: set[str]) -> None:
        super().__init__(record)
        self._asked = asked

    def __getitem__(self, name: str) -> Json:
        self._asked.add(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self._asked.add(str(name))
        return super().__contains__(name)

    def get(self, name: str, default: Json = None) -> Json:  # type: ignore[override]  # `dict.get` is overloaded
        self._asked.add(name)
        return super().get(name, default)


TURN: JsonObject = {"role": "user", "content": "Hi"}
REPLY: JsonObject = {"role": "assistant", "content": "Hello"}
PROMPT_ROW: JsonObject = {"type": "prompt", "record": {"messages": [TURN]}}
EXAMPLES: dict[str, list[JsonObject]] = {
    "alpaca": [{"instruction": "Add.", "input": "1 2", "output": "3", "history": [], "system": ""}],
    "hh": [{"chosen": "\n\nHuman: Hi\n\nAssistant: A", "rejected": "\n\nHuman: Hi\n\nAssistant: B"}],
    "instructgpt": [
        {"prompt": "Why?", "completion": "So."},
        {"question": "Why?"},
        {"instruction": "Add.", "output": "3"},
    ],
    "oasst": [{"prompt": {"text": "Q", "role": "prompter", "replies": [{"text": "A", "role": "assistant"}]}}],
    "openai": [
        {"messages": [TURN, REPLY]},
        {"messages": [TURN], "completions": [{"text": "A"}, {"text": "B", "id": "b"}]},
        {"input": [TURN], "preferred_output": [REPLY], "non_preferred_output": [REPLY]},
        {"preferred_output": [REPLY]},
    ],
    "raw": [PROMPT_ROW],
    "sharegpt": [{"conversations": [{"from": "human", "value": "Hi"}], "chosen": "A", "rejected": "B"}],
}


@pytest.mark.parametrize("format", CHOICES)
def test_an_importer_reads_the_fields_that_it_declares_and_no_others(format: str) -> None:
    asked: set[str] = set()
    for example in EXAMPLES[format]:
        with contextlib.suppress(Rejected):
            IMPORTERS.load(format).parse(Watched(example, asked), "", Transforms())
    assert asked == IMPORTERS.load(format).keys
    assert IMPORTERS.load(format).about
    assert IMPORTERS.load(format).version >= 1


@pytest.mark.parametrize("format", CHOICES)
def test_a_field_that_an_importer_does_not_declare_changes_nothing(format: str) -> None:
    example = EXAMPLES[format][0]
    assert parsed(format, {**example, "something else": [1]}) == parsed(format, example)


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
def test_no_record_makes_an_importer_fall_over(format: str, record: Json, kind: str) -> None:
    try:
        parsed(format, record, kind)
    except Rejected as refused:
        assert str(refused)  # noqa: PT017 - either outcome is right, a third is not
