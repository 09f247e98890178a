"""A prompt as a model read it: with the system turn that was rendered. Pure. What is exported and trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from common.shapes import Message


def as_read(prompt: Sequence[Message], report: Mapping[str, object]) -> list[Message]:
    """The prompt with its system turn, as its request's report tells it; turns that were cut for want of room stay.

    A report of an earlier version says nothing of the system turn: then the prompt is as it was.
    """
    merged = report.get("messages")
    if isinstance(merged, list):
        return [Message(role=str(m["role"]), content=str(m["content"])) for m in merged]
    text = report.get("system_turn")
    spoken = [message for message in prompt if message["role"] != "system"]
    return [Message(role="system", content=text), *spoken] if isinstance(text, str) else list(prompt)
