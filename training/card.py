"""The model card of a checkpoint: where it comes from, how it was made, what came of it."""

from __future__ import annotations

from collections.abc import Mapping

from common.shapes import Json

ORIGIN = ("export_id", "export_sha256", "base", "parent_sha256", "weights_sha256")
KINDS = {
    "sft": "A policy, fine-tuned on answers.",
    "reward": "A reward model: a conversation goes in, one number comes out. It means something only beside others.",
    "ppo": "A policy, trained against a reward model.",
}


def written(name: str, facts: Mapping[str, Json]) -> str:
    """Markdown, with the front matter that model hubs read."""
    options = facts.get("options")
    results = {key: value for key, value in facts.items() if key not in (*ORIGIN, "kind", "options", "history")}
    pipeline = "text-classification" if facts["kind"] == "reward" else "text-generation"
    return "\n".join(
        [
            "---", "library_name: transformers", f"pipeline_tag: {pipeline}", "---", "",
            f"# {name}", "", KINDS.get(str(facts["kind"]), ""), "",
            "## Origin", "", *_table({key: facts.get(key) for key in ORIGIN}), "",
            "## Results", "", *_table(results), "",
            "## Options", "", *_table(options if isinstance(options, dict) else {}), "",
            "`metrics.jsonl` has the figures of every step, `curve.svg` draws them.", "",
        ]
    )  # fmt: skip


def _table(rows: Mapping[str, Json]) -> list[str]:
    shown = [f"| {key} | {_cell(value)} |" for key, value in rows.items()]
    return ["| | |", "|---|---|", *shown]


def _cell(value: Json) -> str:
    if value is None:
        return "none"
    return f"`{value}`" if isinstance(value, str) and value else str(value)
