"""`chat`: whole dialogues as messages, for OpenAI's and others' chat fine-tuning."""

from __future__ import annotations

from typing import Any

from exports.formats._shared import MESSAGES

OF = "sft"
ABOUT = "The sft rows as one list of messages; trainers put the loss on every turn unless told otherwise."
COLUMNS = {"messages": MESSAGES}


def render(row: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [*row["prompt"], *row["completion"]]}
