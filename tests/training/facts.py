"""The figures of a training run, as tests read them."""

from __future__ import annotations

from common.shapes import JsonObject


def number(facts: JsonObject, name: str) -> float:
    value = facts[name]
    assert isinstance(value, int | float), f"{name} is {value!r}"
    return float(value)


def rows(facts: JsonObject) -> list[dict[str, float]]:
    """Of the history."""
    history = facts["history"]
    assert isinstance(history, list)
    return [{key: float(value) for key, value in row.items() if isinstance(value, int | float)}
            for row in history if isinstance(row, dict)]  # fmt: skip
