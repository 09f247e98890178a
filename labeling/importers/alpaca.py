"""Alpaca: `instruction`, perhaps an `input`, and an `output`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from labeling.importers.base import Item, Rejected, Steps, answer_of, dialogue, object_of, text_of

ABOUT = "instruction, input and output, with the Alpaca preamble taken off"
VERSION = 1

STOPS = ("<|endoftext|>", "\n\n###", "###", " END")

PREAMBLE = re.compile(
    r"\ABelow is an instruction that describes a task(?:, paired with an input that provides further context)?\."
    r"\s*Write a response that appropriately completes the request\.\s*"
)
_SECTIONS = re.compile(r"\A### Instruction:\s*(.*?)(?:\s*### Input:\s*(.*?))?\s*(?:### Response:\s*)?\Z", re.DOTALL)


def matches(record: Any) -> bool:
    return isinstance(record, Mapping) and "instruction" in record and "output" in record


def parse(record: Any, kind: str, steps: Steps) -> list[Item]:
    record = object_of(record)
    if "output" not in record and kind != "prompts":
        raise Rejected("There is no output.")
    instruction = text_of(record.get("instruction"), "instruction").strip()
    given = text_of(record.get("input") or "", "input").strip()
    preamble = ""
    bare = PREAMBLE.sub("", instruction)
    if bare != instruction:
        preamble = instruction[: len(instruction) - len(bare)].strip() if steps.asked.keep_preamble else ""
        steps.take("Alpaca preamble kept as the system message" if preamble else "Alpaca preamble taken off")
        instruction = bare
        if match := _SECTIONS.match(instruction):
            instruction, given = match.group(1).strip(), (match.group(2) or given).strip()
    if not instruction:
        raise Rejected("The instruction is empty.")
    messages = [{"role": "user", "content": instruction}]
    if given:
        steps.take("instruction and input joined by a blank line")
        messages[0]["content"] = f"{instruction}\n\n{given}"
    history = record.get("history") or []
    if not isinstance(history, list) or not all(isinstance(h, list) and len(h) == 2 for h in history):
        raise Rejected("The history is no list of [instruction, output].")
    earlier = [
        {"role": role, "content": text_of(text, "history").strip()}
        for pair in history
        for role, text in zip(("user", "assistant"), pair, strict=True)
    ]
    if system := text_of(record.get("system") or "", "system").strip() or preamble:
        earlier.insert(0, {"role": "system", "content": system})
    messages = [*earlier, *messages]
    if kind == "prompts":
        return dialogue(messages, kind)
    output = text_of(record.get("output"), "output")
    answer = answer_of(drop_stop(output, steps), "output", steps)
    return dialogue([*messages, {"role": "assistant", "content": answer}], kind)


def drop_stop(completion: str, steps: Steps) -> str:
    """Without the stop that ends it, if one does."""
    bare = completion.rstrip()
    for stop in STOPS:
        if bare.endswith(stop.rstrip()) and (not stop.startswith(" ") or bare.endswith(stop)):
            steps.take(f"stop {stop.strip()!r} dropped from the completion")
            return bare[: -len(stop.rstrip())]
    return completion
