"""What a model server is and can do, asked of the server: at registration, and by the worker that loads it.

A handful of requests of one to four tokens. What cannot be asserted is left out: nothing is assumed of a server.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypedDict

import httpx
from httpx_sse import EventSource, SSEError

from common.shapes import Json, JsonObject, Message
from sampler.dialects import DIALECTS
from sampler.dialects.base import OFF, Dialect, Meaning, Seeds, Understood
from sampler.engines._chunks import Chunk, read
from sampler.engines._request import Learned, body
from sampler.engines._tokenizer_files import special_tokens_in
from sampler.refusals import understand

TIMEOUT = httpx.Timeout(20.0, connect=3.0)
ASKS = [Message(role="user", content="Name a word, any word.")]
HOT: dict[str, object] = {"temperature": 2.0, **OFF}


class Capabilities(TypedDict, total=False):
    """What was found, as it is stored with the model version. What was not found out is absent."""

    dialect: str
    asked_at: str
    trouble: str  # why nothing more is known
    models: list[str]
    version: str
    context: int
    limit: str  # the name of the limit that it takes
    several: bool  # n samples in one request
    seeds: bool  # the same seed gave the same token, another seed another
    logprobs: bool
    prompt_tokens: bool  # it reports the prompt's tokens
    ignored: list[str]  # parameters that are taken and change nothing
    refused: list[str]  # options and parameters that are refused
    control_tokens: list[str]  # special tokens of the tokenizer, where the server tells any
    greedy: bool  # draws at a high temperature were all the same


@dataclass
class Server:
    """A server to be asked, as an operator named it."""

    base: str
    model: str
    client: httpx.Client

    @property
    def root(self) -> str:
        return self.base.removesuffix("/v1")

    def get(self, url: str) -> Json:
        """The JSON of a page, or nothing."""
        try:
            answer = self.client.get(url)
            return answer.json() if answer.status_code == 200 else None
        except (httpx.HTTPError, ValueError):
            return None


class KeyRefused(Exception):
    """The server answers, and refuses us."""


def probe(*, base: str, model: str, dialect: str = "", headers: Mapping[str, str] | None = None) -> Capabilities:
    """Ask the server, and try it. One that does not answer is not an error: `trouble` says so."""
    with httpx.Client(headers=dict(headers or {}), timeout=TIMEOUT, follow_redirects=False) as client:
        server = Server(base.rstrip("/"), model, client)
        try:
            found = identify(server, dialect)
            if "dialect" not in found:
                return found
            return {**found, **_try(server, DIALECTS.load(found["dialect"]))}
        except KeyRefused as refusal:
            return {"asked_at": _now(), "trouble": str(refusal)}
        except (httpx.HTTPError, SSEError, ValueError) as error:
            return {**found, "trouble": f"{type(error).__name__}: {error}"[:500]}


def identify(server: Server, dialect: str = "") -> Capabilities:
    """What a server is, without a request for text.

    Raises:
        KeyRefused: it answers with 401 or 403.
    """
    found: Capabilities = {"asked_at": _now()}
    try:
        answer = server.client.get(f"{server.base}/models")
    except httpx.HTTPError as error:
        return {**found, "trouble": f"{server.base} does not answer: {error}"}
    if answer.status_code in {401, 403}:
        raise KeyRefused(f"{server.base} refuses the key (HTTP {answer.status_code}).")
    cards = _cards(answer) if answer.status_code == 200 else []
    table = DIALECTS.load(dialect or recognise(server, cards))
    return {**found, "dialect": table.name, **_read_cards(server, table, cards)}


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def table_for(capabilities: Mapping[str, object]) -> Dialect:
    """The server's dialect, less what a probe found out to be otherwise."""
    table = DIALECTS.load(str(capabilities.get("dialect") or "openai"))
    ignored = capabilities.get("ignored")
    if isinstance(ignored, list):
        table = replace(table, spellings={k: v for k, v in table.spellings.items() if k not in ignored})
    if capabilities.get("several") is False:
        table = replace(table, many=False)
    if capabilities.get("seeds") is False:
        table = replace(table, seeds=Seeds.NONE if table.seeds == Seeds.NONE else Seeds.UNSURE)
    if isinstance(limit := capabilities.get("limit"), str):
        table = replace(table, limit=limit)
    refused = capabilities.get("refused")
    if isinstance(refused, list):
        table = replace(table, options={k: v for k, v in table.options.items() if k not in refused})
    return table


def recognise(server: Server, cards: Sequence[JsonObject]) -> str:
    """The dialect, by who owns the models and by paths that only one kind of server has; `openai` where none fits."""
    owners = {str(card.get("owned_by")) for card in cards}
    for name in DIALECTS.choices():
        if name != "openai" and owners & set(DIALECTS.load(name).owners):
            return name
    pages: dict[str, Json] = {}
    for name in DIALECTS.choices():
        path, key = DIALECTS.load(name).sign
        if path:
            page = pages.setdefault(path, server.get(server.root + path))
            paths = page.get("paths") if isinstance(page, dict) else None
            if isinstance(page, dict) and (key in page or (isinstance(paths, dict) and key in paths)):
                return name
    return "openai"


def _cards(answer: httpx.Response) -> list[JsonObject]:
    try:
        data = answer.json().get("data")
    except (ValueError, AttributeError):
        return []
    return [card for card in data if isinstance(card, dict)] if isinstance(data, list) else []


def _read_cards(server: Server, table: Dialect, cards: Sequence[JsonObject]) -> Capabilities:
    found: Capabilities = {"models": [str(card.get("id")) for card in cards][:20]}
    mine = next((card for card in cards if card.get("id") == server.model), cards[0] if len(cards) == 1 else {})
    if isinstance(limit := mine.get("max_model_len"), int):
        found["context"] = limit
    path, key = table.sign
    page = server.get(server.root + path) if path == "/version" else None
    if isinstance(page, dict) and isinstance(version := page.get(key), str):
        found["version"] = version
    told = server.get(server.root + table.tokenizer) if table.tokenizer else None
    if isinstance(told, dict) and (tokens := special_tokens_in(told)):
        found["control_tokens"] = sorted(tokens)
    return found


@dataclass
class Heard:
    """The answer to one request."""

    texts: dict[int, str]
    chunks: list[Chunk]
    refusal: Understood | None = None

    @property
    def text(self) -> str:
        return self.texts.get(0, "")


def _ask(server: Server, table: Dialect, learned: Learned, *, n: int = 1, tokens: int = 1, **params: object) -> Heard:
    """One request, once more where a refusal says how."""
    for _ in range(6):
        request = body(
            dialect=table, learned=learned, model=server.model, prompt=ASKS, params={**HOT, **params},
            max_tokens=tokens, indices=range(n),
        )  # fmt: skip
        heard = _send(server, table, request)
        if heard.refusal is None or not learned.from_refusal(heard.refusal, request, table.options):
            break
    return heard


def _send(server: Server, table: Dialect, request: JsonObject) -> Heard:
    with server.client.stream("POST", f"{server.base}/chat/completions", json=request) as answer:
        if answer.status_code != 200:
            said = answer.read().decode(errors="replace")
            return Heard({}, [], understand(table, answer.status_code, said))
        heard = Heard({}, [])
        for event in EventSource(answer).iter_sse():
            if not event.data or event.data == "[DONE]":
                continue
            chunk = read(event.data, table.reasoning)
            if chunk.error:
                heard.refusal = understand(table, 400, chunk.error)
            heard.chunks.append(chunk)
            for piece in chunk.pieces:
                heard.texts[piece.index] = heard.texts.get(piece.index, "") + piece.text + piece.reasoning
        return heard


def _try(server: Server, table: Dialect) -> Capabilities:
    """The requests themselves. The first refusal that nothing can be done about ends them."""
    learned, found = Learned(), Capabilities()
    first = _ask(server, table, learned, seed=1, tokens=4)
    if first.refusal is not None:
        refused = [first.refusal.name] if first.refusal.meaning == Meaning.PARAMETER else []
        return {"trouble": f"{first.refusal.meaning}: {first.refusal.said}"[:500], "refused": refused}
    found["logprobs"] = any(piece.logprob is not None for chunk in first.chunks for piece in chunk.pieces)
    found["prompt_tokens"] = any(chunk.prompt_ids for chunk in first.chunks)
    others = [_ask(server, table, learned, seed=seed, tokens=4).text for seed in range(2, 6)]
    found["greedy"] = len({first.text, *others}) == 1
    if table.seeds != Seeds.NONE and not found["greedy"]:
        found["seeds"] = _ask(server, table, learned, seed=1, tokens=4).text == first.text
    if "top_k" in table.spellings and not found["greedy"]:
        forced = {_ask(server, table, learned, seed=seed, tokens=4, top_k=1).text for seed in range(1, 6)}
        found["ignored"] = ["top_k"] if len(forced) > 1 else []
    if table.many:
        found["several"] = len(_ask(server, table, learned, seed=1, n=2).texts) == 2
    found["limit"] = learned.limit or table.limit
    found["refused"] = sorted(learned.leave_out)
    return found
