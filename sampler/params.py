"""Sampling parameters, under the names that everyone knows, and what is drawn with them.

Pure: imports no Django and no torch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypedDict

MAX_N = 64
MAX_STOPS = 16
MAX_TOKENS = 32_768
MAX_BIASES = 1024
SEEDS = 2**63


class StoredParams(TypedDict):
    """Sampling parameters as plain JSON values, every name present."""

    n: int
    temperature: float
    top_p: float
    top_k: int
    max_tokens: int
    seed: int | None
    stop: list[str]
    min_p: float
    repetition_penalty: float
    presence_penalty: float
    frequency_penalty: float
    logit_bias: dict[str, float]  # by token id
    thinking: bool | None
    max_reasoning_tokens: int


@dataclass(frozen=True)
class SamplingParams:
    """How one request is sampled.

    `top_k`, `min_p` and the presence and frequency penalties are off at 0, `top_p` and `repetition_penalty` at 1;
    `temperature` 0 is greedy. `thinking` None leaves it to the model whether it reasons before it answers; what it
    then says has a limit of its own beside `max_tokens`.
    """

    n: int = 1
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    max_tokens: int = 1024
    seed: int | None = None
    stop: tuple[str, ...] = ()
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    logit_bias: Mapping[str, float] = field(default_factory=dict)
    thinking: bool | None = None
    max_reasoning_tokens: int = 0  # 0: they count within max_tokens

    def __post_init__(self) -> None:
        _whole(self.n, "n", 1, MAX_N)
        _number(self.temperature, "temperature", 0.0, 10.0)
        _number(self.top_p, "top_p", 0.0, 1.0)
        if self.top_p == 0:
            raise ValueError("top_p must be above 0 (1 turns it off).")
        _whole(self.top_k, "top_k", 0, 1_000_000)
        _number(self.min_p, "min_p", 0.0, 1.0)
        _number(self.repetition_penalty, "repetition_penalty", 0.0, 10.0)
        if self.repetition_penalty == 0:
            raise ValueError("repetition_penalty must be above 0 (1 turns it off).")
        _number(self.presence_penalty, "presence_penalty", -2.0, 2.0)
        _number(self.frequency_penalty, "frequency_penalty", -2.0, 2.0)
        _biases(self.logit_bias)
        if self.thinking is not None and not isinstance(self.thinking, bool):
            raise ValueError("thinking must be true, false or null (as the model has it).")
        _whole(self.max_reasoning_tokens, "max_reasoning_tokens", 0, MAX_TOKENS)
        _whole(self.max_tokens, "max_tokens", 1, MAX_TOKENS)
        if self.seed is not None:
            _whole(self.seed, "seed", 0, SEEDS - 1)
        if len(self.stop) > MAX_STOPS:
            raise ValueError(f"stop takes at most {MAX_STOPS} strings.")
        if not all(isinstance(s, str) and 0 < len(s) <= 200 for s in self.stop):
            raise ValueError("stop takes strings of 1 to 200 characters.")

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> SamplingParams:
        """Parameters from stored or posted values.

        Raises:
            ValueError: an unknown name or a value out of range, as a sentence.
        """
        if not isinstance(values, Mapping):
            raise ValueError("Sampling parameters must be an object of names and values.")
        known = {f.name for f in fields(cls)}
        if unknown := sorted(set(values) - known):
            raise ValueError(f"Unknown sampling parameter: {', '.join(map(str, unknown))}.")
        given: dict[str, Any] = dict(values)  # __post_init__ looks at each value
        stop = given.get("stop", ())
        if stop is None:
            stop = ()
        elif isinstance(stop, str):
            stop = (stop,)
        elif not isinstance(stop, list | tuple):
            raise ValueError("stop takes a string or a list of strings.")
        given["stop"] = tuple(stop)
        return cls(**given)

    def to_dict(self) -> StoredParams:
        """What is stored."""
        return {
            "n": self.n, "temperature": self.temperature, "top_p": self.top_p, "top_k": self.top_k,
            "max_tokens": self.max_tokens, "seed": self.seed, "stop": list(self.stop), "min_p": self.min_p,
            "repetition_penalty": self.repetition_penalty, "presence_penalty": self.presence_penalty,
            "frequency_penalty": self.frequency_penalty, "logit_bias": dict(self.logit_bias),
            "thinking": self.thinking, "max_reasoning_tokens": self.max_reasoning_tokens,
        }  # fmt: skip


@dataclass(frozen=True)
class Drawn:
    """One sampled text as an engine hands it over."""

    index: int
    text: str
    finish_reason: str
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    logprob: float | None = None
    seed: int | None = None
    params: Mapping[str, object] | None = None  # where they differ from those of the request
    reasoning: str = ""  # the trace of a reasoning model, kept apart from the answer
    reasoning_tokens: int | None = None


def _biases(value: object) -> None:
    if not isinstance(value, Mapping) or len(value) > MAX_BIASES:
        raise ValueError(f"logit_bias takes an object of at most {MAX_BIASES} token ids, each with a number.")
    for token, bias in value.items():
        if not (isinstance(token, str) and token.isdecimal()):
            raise ValueError(f"logit_bias takes token ids as names: {token!r} is not one.")
        _number(bias, f"logit_bias of token {token}", -100.0, 100.0)


def _whole(value: object, name: str, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{name} must be a whole number from {low} to {high}.")


def _number(value: object, name: str, low: float, high: float) -> None:
    number = None if isinstance(value, bool) or not isinstance(value, int | float) else value
    if number is None or not math.isfinite(number) or not low <= number <= high:
        raise ValueError(f"{name} must be a number from {low:g} to {high:g}.")
