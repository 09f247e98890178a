"""`nemo`: NeMo-RL's BinaryPreferenceDataset, answers as plain texts (lists would nest silently)."""

from __future__ import annotations

from typing import Any

from exports.formats._shared import MESSAGES

OF = "preferences"
ABOUT = "The pairs with the prompt as messages and both answers as texts."
COLUMNS = {"prompt": MESSAGES, "chosen": "string", "rejected": "string"}


def render(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "prompt": row["prompt"],
        "chosen": row["chosen"][0]["content"],
        "rejected": row["rejected"][0]["content"],
    }
