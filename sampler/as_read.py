"""A prompt as a model read it, or would have: with the system turn that was rendered. This is what is exported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypedDict

from common.shapes import Message
from generation import prompts

if TYPE_CHECKING:
    from sampler.models import ModelVersion


class SystemTurn(TypedDict):
    """What a model version reads where a dialogue has no system turn."""

    text: str  # empty: an empty turn, which keeps templates from adding one of their own
    merged: bool  # into the first user turn, for a template that takes no system turn


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


def as_served(prompt: Sequence[Message], served: SystemTurn) -> list[Message]:
    """A prompt that no model read, as the models that are served would have read it."""
    if prompt and prompt[0]["role"] == "system":
        return list(prompt)
    whole = prompts.with_system(prompt, served["text"])
    return prompts.without_system(whole) if served["merged"] else whole


def system_turn_of(version: ModelVersion) -> SystemTurn | None:
    """None where it is left to the template, and while no answer told how the template takes it."""
    if version.system_turn == prompts.TEMPLATE:
        return None
    answered = version.requests.filter(writes="assistant", prompt_report__has_key="system")
    told = next(iter(answered.values_list("prompt_report__system", flat=True)[:1]), None)  # one tells it for all
    if told is None:
        return None
    text = version.system_prompt if version.system_turn == prompts.TEXT else ""
    return {"text": text, "merged": told in prompts.MERGED}
