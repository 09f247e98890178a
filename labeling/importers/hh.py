r"""hh-rlhf: `chosen` and `rejected`, two transcripts that differ in the last answer.

A marker counts only at the start of the text or after a blank line, and with its colon: a bare
`\n\nHuman` at the end of an answer is text.
"""

from __future__ import annotations

import re

from common.shapes import Json, Message
from labeling.importers._fields import answer_of, object_of, text_of
from labeling.importers._items import comparison
from labeling.importers.base import Item, Rejected, Text, Transforms

_MARKER = re.compile(r"(?:\A\s*|\n\n)(Human|Assistant):")


class HhRlhf:
    about = "chosen and rejected transcripts with Human: and Assistant: markers"
    version = 1
    keys = frozenset({"chosen", "rejected"})

    def matches(self, record: Json) -> bool:
        return (
            isinstance(record, dict)
            and "prompt" not in record
            and all(
                isinstance(text := record.get(name), str) and _MARKER.match(text) for name in ("chosen", "rejected")
            )
        )

    def parse(self, record: Json, kind: str, transforms: Transforms) -> list[Item]:
        fields = object_of(record, transforms)
        chosen, rejected = (turns(text_of(fields.get(name), name), name) for name in ("chosen", "rejected"))
        if len(chosen) != len(rejected) or [m["content"].strip() for m in chosen[:-1]] != [
            m["content"].strip() for m in rejected[:-1]
        ]:
            raise Rejected("The two transcripts differ before the last answer.")
        if chosen[-1]["role"] != "assistant" or rejected[-1]["role"] != "assistant":
            raise Rejected("A transcript does not end with the assistant.")
        transforms.note("transcript split into turns")
        prompt: list[Message] = [{"role": m["role"], "content": m["content"].strip()} for m in chosen[:-1]]
        texts = [
            Text(answer_of(transcript[-1]["content"], f"last answer of {name}", transforms))
            for name, transcript in (("chosen", chosen), ("rejected", rejected))
        ]
        return comparison(merged(prompt, transforms), texts, [[0], [1]], kind)


IMPORTER = HhRlhf()


def turns(transcript: str, name: str) -> list[Message]:
    """The turns of a transcript.

    Raises:
        Rejected: text before the first marker, or no marker at all.
    """
    found = list(_MARKER.finditer(transcript))
    if not found or transcript[: found[0].start()].strip():
        raise Rejected(f"The {name} text does not start with Human: or Assistant:.")
    ends = [m.start() for m in found[1:]] + [len(transcript)]
    roles = {"Human": "user", "Assistant": "assistant"}
    return [
        {"role": roles[m.group(1)], "content": transcript[m.end() : end]} for m, end in zip(found, ends, strict=True)
    ]


def merged(prompt: list[Message], transforms: Transforms) -> list[Message]:
    """Two messages of the same side in a row become one; an empty one has nothing to say."""
    result: list[Message] = []
    for message in prompt:
        if not message["content"]:
            raise Rejected("A message before the last answer is empty.")
        if result and result[-1]["role"] == message["role"]:
            transforms.note("messages of one side in a row joined")
            joined = result[-1]["content"] + "\n\n" + message["content"]
            result[-1] = {"role": message["role"], "content": joined}
        else:
            result.append(message)
    return result
