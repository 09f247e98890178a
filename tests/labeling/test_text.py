import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling import text
from labeling.errors import Invalid


def test_line_ends_of_a_posted_form_become_those_of_a_model() -> None:
    assert text.clean("a\r\nb\rc\nd") == "a\nb\nc\nd"


@pytest.mark.parametrize("bad", ["a\x00b", "a\ud800b", "x" * (text.MAX_CHARACTERS + 1)])
def test_what_the_database_cannot_hold_is_refused_with_a_sentence(bad: str) -> None:
    with pytest.raises(Invalid):
        text.clean(bad)


@given(st.text())
def test_equal_prompts_have_one_key_whatever_their_case_and_spacing(value: str) -> None:
    one = text.prompt_key([{"role": "user", "content": value}])
    assert one == text.prompt_key([{"role": "user", "content": f"  {value.casefold()}\n\t"}])


def test_the_share_of_test_rows_is_as_asked() -> None:
    splits = [text.split_of(salt="s", key=str(i), test_share=0.1) for i in range(5000)]
    assert 400 < splits.count("test") < 600
    assert {text.split_of(salt="s", key=str(i), test_share=0.0) for i in range(500)} == {"train"}


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([], "list of messages"),
        ([{"role": "user", "content": "x", "name": "y"}], "exactly"),
        ([{"role": "assistant", "content": "x"}], "message by the user is missing"),
        ([{"role": "user", "content": " "}], "no text"),
        ([{"role": "user", "content": "a"}, {"role": "system", "content": "b"}], "only the first"),
        ([{"role": "human", "content": "a"}], "role"),
    ],
)
def test_messages_that_no_chat_template_takes_are_refused(messages: object, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        text.check_messages(messages)
