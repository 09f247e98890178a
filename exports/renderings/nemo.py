"""`nemo`: NeMo-RL's BinaryPreferenceDataset, answers as plain texts (lists would nest silently)."""

from __future__ import annotations

from typing import TypedDict

from django.utils.translation import gettext_noop

from common.shapes import Message
from exports.formats.base import A_PAIR, columns_of
from exports.formats.preferences import Pair
from exports.renderings.base import Rendering


class TextPair(TypedDict):
    prompt: list[Message]
    chosen: str
    rejected: str


class NemoRendering(Rendering[Pair]):
    of = "preferences"
    about = gettext_noop("The pairs with the prompt as messages and both answers as texts.")
    columns = columns_of(TextPair)
    rows_a_record = A_PAIR

    def render(self, row: Pair) -> list[TextPair]:
        chosen, rejected = row["chosen"][0]["content"], row["rejected"][0]["content"]
        return [{"prompt": row["prompt"], "chosen": chosen, "rejected": rejected}]


RENDERING = NemoRendering()
