"""`chat`: whole dialogues as messages, for OpenAI's and others' chat fine-tuning."""

from __future__ import annotations

from typing import TypedDict

from django.utils.translation import gettext_noop

from common.shapes import Message
from exports.formats.base import columns_of
from exports.formats.sft import Demonstration
from exports.renderings.base import Rendering


class Chat(TypedDict):
    messages: list[Message]


class ChatRendering(Rendering[Demonstration]):
    of = "sft"
    about = gettext_noop(
        "The sft rows as one list of messages; trainers put the loss on every turn unless told otherwise."
    )
    columns = columns_of(Chat)

    def render(self, row: Demonstration) -> list[Chat]:
        return [{"messages": [*row["prompt"], *row["completion"]]}]


RENDERING = ChatRendering()
