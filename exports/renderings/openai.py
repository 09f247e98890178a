"""`openai`: OpenAI's preference format, as Azure, Together and Fireworks read it too."""

from __future__ import annotations

from typing import Any

OF = "preferences"
ABOUT = "The pairs as input, preferred_output and non_preferred_output."
COLUMNS = None


def render(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "input": {"messages": row["prompt"], "tools": [], "parallel_tool_calls": True},
        "preferred_output": row["chosen"],
        "non_preferred_output": row["rejected"],
    }
