"""Types of keyword arguments that the tests of engines share. Imports no Django."""

from __future__ import annotations

from typing import TypedDict


class ParamFields(TypedDict, total=False):
    """Of SamplingParams."""

    n: int
    temperature: float
    top_p: float
    top_k: int
    max_tokens: int
    seed: int | None
    stop: tuple[str, ...]
