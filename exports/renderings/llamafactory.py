"""`llamafactory`: pairs for LLaMA-Factory and Axolotl, `chosen` and `rejected` as one object each.

Given a list there, LLaMA-Factory quietly trains on the last turn of the prompt instead.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from exports.formats._shared import MESSAGES
from exports.jsonl import Stored

OF = "preferences"
ABOUT = "The pairs as messages with one chosen and one rejected message; dataset_info.json lies beside."
COLUMNS = {
    "messages": MESSAGES,
    "chosen": {"role": "string", "content": "string"},
    "rejected": {"role": "string", "content": "string"},
}


def render(row: dict[str, Any]) -> dict[str, Any]:
    return {"messages": row["prompt"], "chosen": row["chosen"][0], "rejected": row["rejected"][0]}


def extra_files(folder: Path, name: str, files: Sequence[Stored]) -> list[Stored]:
    """dataset_info.json, which names the columns to LLaMA-Factory."""
    info = {
        f"duologue_{file.split}{n or ''}": {
            "file_name": Path(file.path).name,
            "formatting": "sharegpt",
            "ranking": True,
            "columns": {"messages": "messages", "chosen": "chosen", "rejected": "rejected"},
            "tags": {
                "role_tag": "role",
                "content_tag": "content",
                "user_tag": "user",
                "assistant_tag": "assistant",
                "system_tag": "system",
            },
        }
        for n, file in enumerate(files)
    }
    data = (json.dumps(info, indent=2) + "\n").encode()
    path = f"{name}/dataset_info.json"
    (folder / path).write_bytes(data)
    return [Stored(path, name, "", len(info), len(data), hashlib.sha256(data).hexdigest())]
