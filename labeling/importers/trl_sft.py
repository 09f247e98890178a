"""TRL's conversational prompt and completion, the shape of our own `sft`; without the second, of our own
`prompts`."""

from __future__ import annotations

from common.shapes import Json
from labeling.importers._fields import object_of
from labeling.importers._items import dialogue
from labeling.importers._messages import dialogue_of, prompt_of, with_system
from labeling.importers.base import PROMPTS, Item, Rejected, Transforms


class TrlSft:
    about = "prompt and completion as lists of messages; the prompt alone for the pool"
    version = 1
    keys = frozenset({"prompt", "completion", "system"})

    def matches(self, record: Json) -> bool:
        others = {"chosen", "rejected", "completions", "answers", "label"}
        return isinstance(record, dict) and isinstance(record.get("prompt"), list) and not others & set(record)

    def parse(self, record: Json, kind: str, transforms: Transforms) -> list[Item]:
        fields = object_of(record, transforms)
        messages = with_system(prompt_of(fields.get("prompt"), transforms), fields.get("system"))
        completion = fields.get("completion")
        if completion is None or kind == PROMPTS:
            if kind not in ("", PROMPTS):
                raise Rejected("There is no completion.")
            return dialogue(messages, PROMPTS)
        if isinstance(completion, str):
            completion = [{"role": "assistant", "content": completion}]
        found = dialogue_of(completion, transforms, "completion")
        # Earlier answers of the prompt are its context: only the completion is learned.
        answers = {place for place, message in enumerate(messages) if message["role"] == "assistant"}
        context = answers | {place + len(messages) for place in found.context}
        return dialogue([*messages, *found.messages], kind, context=frozenset(context))


IMPORTER = TrlSft()
