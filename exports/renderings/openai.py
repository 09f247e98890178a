"""`openai`: OpenAI's preference format, as Azure, Together and Fireworks read it too."""

from __future__ import annotations

from django.utils.translation import gettext_noop

from exports.formats.base import A_PAIR
from exports.formats.preferences import Pair
from exports.renderings.base import Rendering
from exports.writing.files import Row


class OpenAiRendering(Rendering[Pair]):
    of = "preferences"
    about = gettext_noop("The pairs as input, preferred_output and non_preferred_output.")
    columns = None  # `tools` is a list without a type
    rows_a_record = A_PAIR

    def render(self, row: Pair) -> list[Row]:
        return [
            {
                "input": {"messages": row["prompt"], "tools": [], "parallel_tool_calls": True},
                "preferred_output": row["chosen"],
                "non_preferred_output": row["rejected"],
            }
        ]


RENDERING = OpenAiRendering()
