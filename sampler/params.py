"""Sampling parameters, under the names that everyone knows, and what is drawn with them.

Pure: imports no Django and no torch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypedDict

MAX_N = 64
MAX_STOPS = 16
MAX_TOKENS = 32_768
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


@dataclass(frozen=True)
class SamplingParams:
    """How one request is sampled. `top_k` 0 and `top_p` 1 are off; `temperature` 0 is greedy."""

    n: int = 1
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    max_tokens: int = 256
    seed: int | None = None
    stop: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _whole(self.n, "n", 1, MAX_N)
        _number(self.temperature, "temperature", 0.0, 10.0)
        _number(self.top_p, "top_p", 0.0, 1.0)
        if self.top_p == 0:
            raise ValueError("top_p must be above 0 (1 turns it off).")
        _whole(self.top_k, "top_k", 0, 1_000_000)
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
            "max_tokens": self.max_tokens, "seed": self.seed, "stop": list(self.stop),
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


def _whole(value: object, name: str, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{name} must be a whole number from {low} to {high}.")


def _number(value: object, name: str, low: float, high: float) -> None:
    number = None if isinstance(value, bool) or not isinstance(value, int | float) else value
    if number is None or not math.isfinite(number) or not low <= number <= high:
        raise ValueError(f"{name} must be a number from {low:g} to {high:g}.")
