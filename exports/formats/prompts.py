"""`prompts`: messages that end with the user's, for GRPO, RLOO, online DPO and PPO."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from exports.formats._shared import MESSAGES, Context
from exports.records import PromptRecord

SOURCE = "prompts"
ABOUT = "Prompts to sample from: those of the pool, and what stood before each ranked turn."
COLUMNS = {"id": "token", "prompt": MESSAGES, "dialogue_id": "token", "language": "name", "source": "name"}


def rows(record: PromptRecord, context: Context) -> Iterator[dict[str, Any]]:
    context.counts["prompts"] += 1
    yield {
        "id": record.id,
        "prompt": context.messages(record.messages),
        "dialogue_id": record.dialogue,
        "language": context.language,
        "source": record.source or record.origin,
    }
