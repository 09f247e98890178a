"""`llamafactory`: pairs for LLaMA-Factory and Axolotl, `chosen` and `rejected` as one object each.

Given a list there, LLaMA-Factory quietly trains on the last turn of the prompt instead.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

from django.utils.translation import gettext_noop

from common.shapes import Message
from exports.formats.base import A_PAIR, columns_of
from exports.formats.preferences import Pair
from exports.renderings.base import Rendering
from exports.writing.files import Stored, store

TAGS = {
    "role_tag": "role",
    "content_tag": "content",
    "user_tag": "user",
    "assistant_tag": "assistant",
    "system_tag": "system",
}


class ObjectPair(TypedDict):
    messages: list[Message]
    chosen: Message
    rejected: Message


class LlamaFactoryRendering(Rendering[Pair]):
    of = "preferences"
    about = gettext_noop(
        "The pairs as messages with one chosen and one rejected message; dataset_info.json lies beside."
    )
    columns = columns_of(ObjectPair)
    rows_a_record = A_PAIR

    def render(self, row: Pair) -> list[ObjectPair]:
        return [{"messages": row["prompt"], "chosen": row["chosen"][0], "rejected": row["rejected"][0]}]

    def beside(self, folder: Path, name: str, files: Sequence[Stored]) -> list[Stored]:
        """dataset_info.json, which names the columns to LLaMA-Factory."""
        info = {
            f"duologue_{file.split}{n or ''}": {
                "file_name": Path(file.path).name,
                "formatting": "sharegpt",
                "ranking": True,
                "columns": {"messages": "messages", "chosen": "chosen", "rejected": "rejected"},
                "tags": TAGS,
            }
            for n, file in enumerate(files)
        }
        path = f"{name}/dataset_info.json"
        size, digest = store(folder / path, json.dumps(info, indent=2) + "\n")
        return [Stored(path, name, "", len(info), size, digest)]


RENDERING = LlamaFactoryRendering()
