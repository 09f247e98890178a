r"""`hh`: hh-rlhf text, `\n\nHuman: … \n\nAssistant: …`.

The format has no system turn and no escape: a row with either is left out, never bent.
"""

from __future__ import annotations

import re
from typing import Any

from exports.renderings._shared import LeftOut

OF = "preferences"
ABOUT = "The pairs as two transcripts with Human: and Assistant: markers."
COLUMNS = {"chosen": "string", "rejected": "string"}

_MARKER = re.compile(r"(?:\A|\n\n)(?:Human|Assistant):")
_NAMES = {"user": "Human", "assistant": "Assistant"}


def render(row: dict[str, Any]) -> dict[str, Any]:
    before = "".join(_turn(message) for message in row["prompt"])
    return {side: before + _turn(row[side][0]) for side in ("chosen", "rejected")}


def _turn(message: dict[str, str]) -> str:
    if message["role"] == "system":
        raise LeftOut("hh: a system message, which the format cannot say")
    if _MARKER.search(message["content"]):
        raise LeftOut("hh: a text that holds a marker of the format")
    return f"\n\n{_NAMES[message['role']]}: {message['content']}"
