"""Fitting prompts, and stop strings: pure functions."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from common.shapes import Message
from generation import prompts
from generation.text_stream import TextStream


def words(messages: Sequence[Message]) -> int:
    return sum(len(m["content"].split()) for m in messages)


def talk(turns: int, length: int = 5) -> list[Message]:
    roles = ["user", "assistant"]
    return [Message(role=roles[i % 2], content=" ".join([f"w{i}"] * length)) for i in range(turns)]


def test_a_prompt_that_fits_is_left_as_it_is() -> None:
    messages = talk(3)
    kept, report = prompts.fit(messages, count=words, limit=100, max_tokens=20)
    assert kept == messages
    assert report == {"turns_cut": 0, "tokens": 15, "max_tokens": 20}


def test_the_oldest_turns_go_and_what_is_left_begins_with_the_user() -> None:
    system = Message(role="system", content="be brief")
    kept, report = prompts.fit([system, *talk(9)], count=words, limit=40, max_tokens=16)
    assert kept[0] == system
    assert kept[1]["role"] == "user"
    assert kept[-1]["content"].startswith("w8")
    assert report["turns_cut"] == 9 - (len(kept) - 1)
    assert report["rule"] == prompts.RULE
    assert report["tokens"] + report["max_tokens"] <= 40


def test_one_turn_that_is_too_long_loses_its_beginning_and_says_so() -> None:
    kept, report = prompts.fit(talk(1, 500), count=words, limit=64, max_tokens=32)
    assert report["characters_cut"] > 0
    assert report["tokens"] + report["max_tokens"] <= 64
    assert kept[0]["content"]


@pytest.mark.parametrize("split", [1, 2, 3, 7])
def test_a_stop_string_is_found_wherever_tokens_end(split: int) -> None:
    text = "Hello there.END and more"
    pieces = [text[i : i + split] for i in range(0, len(text), split)]
    stream = TextStream(lambda ids: "".join(pieces[i] for i in ids), ("END",))
    shown = ""
    for number in range(len(pieces)):
        shown += stream.push(number)
        if stream.stopped:
            break
    assert stream.stopped
    assert shown == stream.text == "Hello there."


def test_text_that_only_looks_like_a_stop_string_is_shown_in_the_end() -> None:
    pieces = ["a", " E", "N"]
    stream = TextStream(lambda ids: "".join(pieces[i] for i in ids), ("END",))
    shown = "".join(stream.push(i) for i in range(3)) + stream.finish()
    assert shown == stream.text == "a EN"
    assert not stream.stopped


def test_a_character_of_several_tokens_is_shown_once_it_is_whole() -> None:
    raw = "né 日本".encode()
    stream = TextStream(lambda ids: bytes(raw[i] for i in ids).decode(errors="replace"))
    parts = [stream.push(i) for i in range(len(raw))]
    assert "".join(parts) + stream.finish() == "né 日本"
    assert "\ufffd" not in "".join(parts)
