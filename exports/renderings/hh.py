r"""`hh`: hh-rlhf text, `\n\nHuman: … \n\nAssistant: …`.

The format has no system turn and no escape: a row with either is left out, never bent.
"""

from __future__ import annotations

import re
from typing import TypedDict

from django.utils.translation import gettext_noop

from common.shapes import Message
from exports.formats.base import A_PAIR, columns_of
from exports.formats.preferences import Pair
from exports.renderings.base import LeftOut, Rendering

_MARKER = re.compile(r"(?:\A|\n\n)(?:Human|Assistant):")
_NAMES = {"user": "Human", "assistant": "Assistant"}


class Transcripts(TypedDict):
    chosen: str
    rejected: str


class HhRendering(Rendering[Pair]):
    of = "preferences"
    about = gettext_noop("The pairs as two transcripts with Human: and Assistant: markers.")
    columns = columns_of(Transcripts)
    rows_a_record = A_PAIR

    def render(self, row: Pair) -> list[Transcripts]:
        before = "".join(_turn(message) for message in row["prompt"])
        return [{"chosen": before + _turn(row["chosen"][0]), "rejected": before + _turn(row["rejected"][0])}]


def _turn(message: Message) -> str:
    if message["role"] == "system" and not message["content"]:
        return ""
    if message["role"] == "system":
        raise LeftOut("hh: a system message, which the format cannot say")
    if _MARKER.search(message["content"]):
        raise LeftOut("hh: a text that holds a marker of the format")
    return f"\n\n{_NAMES[message['role']]}: {message['content']}"


RENDERING = HhRendering()
