"""Types of data that crosses modules: JSON values, and a message of a dialogue. No code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias, TypedDict

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
"""What `json.loads` returns, to be narrowed by `isinstance`."""

JsonObject: TypeAlias = dict[str, Json]

JsonLike: TypeAlias = "Mapping[str, JsonLike] | Sequence[JsonLike] | str | int | float | bool | None"
"""What `json.dumps` takes: read-only, so that a `dict[str, str]` is one."""


class Message(TypedDict):
    """One turn of a prompt: formats.md section 2. It has no other key."""

    role: str  # system, user or assistant
    content: str
