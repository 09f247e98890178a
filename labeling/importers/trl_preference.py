"""TRL's preference format, the shape of our own `preferences`: `chosen` and `rejected` as texts or messages, with the
`prompt` beside them (explicit) or as what both begin with (implicit). Also LLaMA-Factory's and UltraFeedback binarised.
"""

from __future__ import annotations

from common.shapes import Json, Message
from labeling.importers import hh
from labeling.importers._fields import field_of, label_of, number_of, object_of
from labeling.importers._items import judged, judgement
from labeling.importers._messages import answer_in, messages_of, prompt_of, with_system
from labeling.importers.base import Fields, Item, Rejected, Text, Transforms

SIDES = ("chosen", "rejected")
PROMPT = ("prompt", "question", "input", "messages")


class TrlPreference:
    about = "chosen and rejected, as texts or messages, with their prompt or as whole dialogues"
    version = 1
    keys = frozenset({*SIDES, *PROMPT, "system", "strength"}).union(
        *({f"{side}_model", f"{side}_model_version"} for side in SIDES)
    )

    def matches(self, record: Json) -> bool:
        if not isinstance(record, dict) or not all(name in record for name in SIDES):
            return False
        if "conversations" in record or "instruction" in record or hh.IMPORTER.matches(record):
            return False
        return any(name in record for name in PROMPT) or isinstance(record["chosen"], list)

    def parse(self, record: Json, kind: str, transforms: Transforms) -> list[Item]:
        fields = object_of(record, transforms)
        prompt = field_of(fields, *PROMPT)
        before, texts = self._sides(fields, transforms)
        if prompt is not None:
            messages = prompt_of(prompt, transforms)
            if before and not _says(before, messages):
                raise Rejected("The field 'prompt' differs from what stands before the chosen answer.")
            before = before or messages
        if not before:
            raise Rejected("There is no prompt.")
        strength = fields.get("strength")
        levels = () if strength is None else (int(number_of(strength, "strength")),)
        order = judgement([[0], [1]], strengths=levels)
        return judged(with_system(before, fields.get("system")), texts, [order], kind)

    def _sides(self, fields: Fields, transforms: Transforms) -> tuple[list[Message], list[Text]]:
        """What stands before both answers, where they are whole dialogues, and the answers."""
        befores: list[list[Message]] = []
        texts: list[Text] = []
        for side in SIDES:
            given = fields.get(side)
            before: list[Message] = []
            if isinstance(given, list) and len(given) > 1:
                *before, last = messages_of(given, transforms, side)
                given = [{"role": last["role"], "content": last["content"]}]
            befores.append(before)
            model = label_of(field_of(fields, f"{side}_model", f"{side}_model_version"))
            texts.append(Text(answer_in(given, f"{side} answer", transforms), model))
        if befores[0] != befores[1]:
            raise Rejected("The chosen and the rejected dialogue differ before the last answer.")
        return befores[0], texts


IMPORTER = TrlPreference()


def _says(before: list[Message], prompt: list[Message]) -> bool:
    """Whether the prompt says no more than what stands before the answers, a system message aside."""
    spoken = [(m["role"], m["content"].strip()) for m in before if m["role"] != "system"]
    asked = [(m["role"], m["content"].strip()) for m in prompt if m["role"] != "system"]
    return spoken[-len(asked) :] == asked or (len(asked) == 1 and spoken[:1] == asked)
