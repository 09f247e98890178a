"""The user's next turn under the model's own template, for the completions endpoint, where a server tells its text.

A user turn with a mark in it is rendered by the server; what stands before the mark is the prompt, and what stands
behind it ends the turn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import httpx

from common.shapes import Json, JsonObject, Message
from sampler.dialects.base import Dialect, Raw

MARK = "\u241eHERE\u241e"  # stands where the open turn's text would be


@dataclass(frozen=True)
class OpenTurn:
    """A prompt as text that ends where the user begins to speak."""

    text: str
    stop: str  # what ends the turn, beside the model's own end token


async def open_user_turn(
    client: httpx.AsyncClient,
    *,
    base: str,
    model: str,
    dialect: Dialect,
    messages: Sequence[Message],
    template_arguments: Mapping[str, Json] | None = None,
) -> OpenTurn | None:
    """The prompt, or None where the server does not give it: then roles are swapped."""
    if dialect.raw == Raw.NONE:
        return None
    root = base.removesuffix("/v1")
    turns: list[Json] = [{"role": m["role"], "content": m["content"]} for m in messages]
    turns.append({"role": "user", "content": MARK})
    marked: JsonObject = {"model": model, "messages": turns, "add_generation_prompt": False}
    marked["chat_template_kwargs"] = dict(template_arguments or {})
    if dialect.raw == Raw.APPLY_TEMPLATE:
        text = (await _post(client, f"{root}/apply-template", marked)).get("prompt")
    else:
        tokens = (await _post(client, f"{root}/tokenize", marked)).get("tokens")
        if not isinstance(tokens, list):
            return None
        text = (await _post(client, f"{root}/detokenize", {"model": model, "tokens": tokens})).get("prompt")
    if not isinstance(text, str) or text.count(MARK) != 1:
        return None
    head, _, tail = text.partition(MARK)
    return OpenTurn(head, tail.strip() or "\n\n")


async def _post(client: httpx.AsyncClient, url: str, body: JsonObject) -> JsonObject:
    """The JSON object of an answer; empty where the server has no such path or refuses."""
    answer = await client.post(url, json=body)
    if answer.status_code != 200:
        return {}
    try:
        value = answer.json()
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
