"""A guard model behind an OpenAI-compatible server: Llama Guard, ShieldGemma, Granite Guardian, by `screening/guards`.

Set up by DUOLOGUE_GUARD_URL, _MODEL and _KIND. An answer that is not in the model's form is a failure and never "safe".
Each text is judged by itself, without what was said before it.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from django.conf import settings

from common.plugins import UnknownPlugin
from common.shapes import Json, JsonObject
from screening.endpoint import Endpoint, KeptEndpoint, Refusal
from screening.filters.base import FilterDown
from screening.guards.base import GUARDS, Guard, Question, Unreadable, quoted, scores
from screening.windows import Scores, by_window, strongest

SIZE, OVERLAP = 6000, 600  # characters of a window; what is up to OVERLAP long stands whole in one
AT_ONCE = 8  # questions


class GuardFilter:
    fast = False
    in_worker = True

    def __init__(self) -> None:
        self._kept = KeptEndpoint("/chat/completions", "DUOLOGUE_GUARD_URL")

    @property
    def version(self) -> str:
        server = settings.FILTERS.guard
        if server is None or server.kind not in GUARDS.choices():
            return "0"
        model = hashlib.sha256(server.model.encode()).hexdigest()[:12]
        return f"{server.kind} {GUARDS.load(server.kind).version} {model}"

    @property
    def categories(self) -> Mapping[str, float]:
        server = settings.FILTERS.guard
        return GUARDS.load(server.kind).categories if server and server.kind in GUARDS.choices() else {}

    def score(self, texts: Sequence[str]) -> list[Scores]:
        return by_window(texts, self._ask, size=SIZE, overlap=OVERLAP)

    def _ask(self, pieces: Sequence[str]) -> list[Scores]:
        endpoint = self._kept.for_settings(settings.FILTERS.guard, timeout=settings.FILTERS.timeout)
        try:
            guard = GUARDS.load(endpoint.server.kind)
        except UnknownPlugin as error:
            raise FilterDown(f"DUOLOGUE_GUARD_KIND: {error}.") from None
        asked = [(piece, question) for piece in pieces for question in guard.questions]

        def judge(one: tuple[str, Question]) -> Scores:
            return self._judge(endpoint, guard, *one)

        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="guard") as pool:
            found = list(pool.map(judge, asked))
        share = len(guard.questions)
        return [strongest(found[start : start + share]) for start in range(0, len(found), share)]

    def _judge(self, endpoint: Endpoint, guard: Guard, piece: str, question: Question) -> Scores:
        body: JsonObject = {
            "model": endpoint.server.model, "messages": [{"role": "user", "content": quoted(piece)}], "temperature": 0,
            "max_tokens": guard.max_tokens,
        }  # fmt: skip
        if question.template:
            body["chat_template_kwargs"] = question.template
        choice = _only_choice(endpoint, self._answer(endpoint, body))
        message = choice.get("message")
        content = message.get("content") if isinstance(message, dict) else None
        if not isinstance(content, str):
            raise FilterDown(f"{endpoint.url}: the answer has no text.")
        try:
            return scores(guard, question, content, probability(choice, guard.words))
        except Unreadable as error:
            raise FilterDown(f"{endpoint.url}: the verdict cannot be read. {error}") from None

    def _answer(self, endpoint: Endpoint, body: JsonObject) -> JsonObject:
        """With probabilities, from a server that does not refuse to tell them."""
        if not endpoint.refuses_probabilities:
            try:
                return endpoint.post({**body, "logprobs": True, "top_logprobs": 5})
            except Refusal:
                found = endpoint.post(body)
                endpoint.refuses_probabilities = True
                return found
        return endpoint.post(body)


FILTER = GuardFilter()


def _only_choice(endpoint: Endpoint, answer: JsonObject) -> JsonObject:
    choices = answer.get("choices")
    if not isinstance(choices, list) or len(choices) != 1 or not isinstance(choices[0], dict):
        raise FilterDown(f"{endpoint.url}: the answer is not one choice.")
    return choices[0]


def probability(choice: JsonObject, words: tuple[str, str]) -> float | None:
    """Of the harmful word, at the first token that is one of the two; None where the server does not tell."""
    told = choice.get("logprobs")
    tokens = told.get("content") if isinstance(told, dict) else None
    for token in _objects(tokens):
        if _word(token) in words:
            harmful, harmless = words
            weights = dict.fromkeys(words, 0.0)
            for other in [*_objects(token.get("top_logprobs")), *([] if token.get("top_logprobs") else [token])]:
                if (word := _word(other)) in weights:
                    weights[word] += _exp(other.get("logprob"))
            whole = weights[harmful] + weights[harmless]
            return weights[harmful] / whole if whole > 0 else None
    return None


def _objects(found: Json) -> Iterable[JsonObject]:
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _word(token: JsonObject) -> str:
    return str(token.get("token", "")).strip().lower()


def _exp(logprob: Json) -> float:
    number = isinstance(logprob, int | float) and not isinstance(logprob, bool) and not math.isnan(logprob)
    return math.exp(min(0.0, logprob)) if number and isinstance(logprob, int | float) else 0.0
