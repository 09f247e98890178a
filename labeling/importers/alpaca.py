"""Alpaca: `instruction`, perhaps an `input`, and an `output`."""

from __future__ import annotations

import re

from common.shapes import Json, Message
from labeling.importers._fields import answer_of, object_of, text_of
from labeling.importers._items import dialogue
from labeling.importers.base import PROMPTS, Fields, Item, Rejected, Transforms

STOPS = ("<|endoftext|>", "\n\n###", "###", " END")

PREAMBLE = re.compile(
    r"\ABelow is an instruction that describes a task(?:, paired with an input that provides further context)?\."
    r"\s*Write a response that appropriately completes the request\.\s*"
)
_SECTIONS = re.compile(r"\A### Instruction:\s*(.*?)(?:\s*### Input:\s*(.*?))?\s*(?:### Response:\s*)?\Z", re.DOTALL)


class Alpaca:
    about = "instruction, input and output, with the Alpaca preamble taken off"
    version = 1
    keys = frozenset({"instruction", "input", "output", "history", "system"})

    def matches(self, record: Json) -> bool:
        return (
            isinstance(record, dict)
            and "instruction" in record
            and isinstance(record.get("output"), str)
            and not {"label", "kto_tag"} & set(record)
        )

    def parse(self, record: Json, kind: str, transforms: Transforms) -> list[Item]:
        fields = object_of(record, transforms)
        if "output" not in fields and kind != PROMPTS:
            raise Rejected("There is no output.")
        messages = asked(fields, transforms)
        if kind == PROMPTS:
            return dialogue(messages, kind)
        output = text_of(fields.get("output"), "output")
        answer = answer_of(drop_stop(output, transforms), "output", transforms)
        return dialogue([*messages, {"role": "assistant", "content": answer}], kind)


IMPORTER = Alpaca()


def asked(fields: Fields, transforms: Transforms) -> list[Message]:
    """What stands before the answer: the system message, earlier turns, instruction and input."""
    question, preamble = _question(fields, transforms)
    messages = _history(fields)
    if system := text_of(fields.get("system") or "", "system").strip() or preamble:
        messages.insert(0, {"role": "system", "content": system})
    return [*messages, {"role": "user", "content": question}]


def _question(record: Fields, transforms: Transforms) -> tuple[str, str]:
    """(instruction and input as one text, the preamble where it is to be kept)."""
    instruction = text_of(record.get("instruction"), "instruction").strip()
    given = text_of(record.get("input") or "", "input").strip()
    preamble = ""
    bare = PREAMBLE.sub("", instruction)
    if bare != instruction:
        preamble = instruction[: len(instruction) - len(bare)].strip() if transforms.options.keep_preamble else ""
        transforms.note("Alpaca preamble kept as the system message" if preamble else "Alpaca preamble taken off")
        instruction = bare
        if match := _SECTIONS.match(instruction):
            instruction, given = match.group(1).strip(), (match.group(2) or given).strip()
    if not instruction:
        raise Rejected("The instruction is empty.")
    if given:
        transforms.note("instruction and input joined by a blank line")
        return f"{instruction}\n\n{given}", preamble
    return instruction, preamble


def _history(record: Fields) -> list[Message]:
    """Earlier turns of the dialogue, which some files carry as [instruction, output] pairs."""
    history = record.get("history") or []
    if not isinstance(history, list):
        raise Rejected("The history is not a list of [instruction, output].")
    earlier: list[Message] = []
    for pair in history:
        if not isinstance(pair, list) or len(pair) != 2:
            raise Rejected("The history is not a list of [instruction, output].")
        for role, text in zip(("user", "assistant"), pair, strict=True):
            earlier.append({"role": role, "content": text_of(text, "history").strip()})
    return earlier


def drop_stop(completion: str, transforms: Transforms) -> str:
    """Without the stop that ends it, if one does."""
    bare = completion.rstrip()
    for stop in STOPS:
        if bare.endswith(stop.rstrip()) and (not stop.startswith(" ") or bare.endswith(stop)):
            transforms.note(f"stop {stop.strip()!r} dropped from the completion")
            return bare[: -len(stop.rstrip())]
    return completion
