"""The dataset card: README.md with front matter that `datasets.load_dataset` follows.

Columns are declared (`dataset_info`), because a loader that infers them from the first rows fails
where a column starts with nulls.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from exports.jsonl import SUFFIX, Stored, dtype

TRAINERS = {
    "preferences": "trl reward --dataset_name {folder} --dataset_config preferences --model_name_or_path MODEL",
    "sft": "trl sft --dataset_name {folder} --dataset_config sft --model_name_or_path MODEL",
    "prompts": "trl grpo --dataset_name {folder} --dataset_config prompts --model_name_or_path MODEL "
    "--reward_model_name_or_path REWARD_MODEL",
    "ratings": "trl kto --dataset_name {folder} --dataset_config ratings --model_name_or_path MODEL",
}
DEFAULT_ORDER = ("preferences", "sft", "rankings", "prompts", "ratings", "raw")


def text(
    *,
    project: Mapping[str, Any],
    files: Sequence[Stored],
    about: Mapping[str, str],
    columns: Mapping[str, Mapping[str, Any] | None],
    manifest: Mapping[str, Any],
    lengths: Mapping[str, Mapping[str, int]],
) -> str:
    """The whole card. `columns` of a configuration that declares none (parquet) is None."""
    configs = sorted({f.config for f in files}, key=_order)
    return _front_matter(project, files, configs, columns) + _words(project, files, configs, about, manifest, lengths)


def _order(config: str) -> tuple[int, str]:
    return (DEFAULT_ORDER.index(config) if config in DEFAULT_ORDER else len(DEFAULT_ORDER), config)


def _front_matter(
    project: Mapping[str, Any], files: Sequence[Stored], configs: Sequence[str], columns: Mapping[str, Any]
) -> str:
    rows = max((sum(f.rows for f in files if f.config == config) for config in configs), default=0)
    lines = [
        "---",
        f"pretty_name: {_quoted(project['title'])}",
        f"license: {_quoted(project['licence'] or 'other')}",
        f"language: [{_quoted(project['language'])}]",
        "task_categories: [text-generation]",
        "tags: [rlhf, preference, human-feedback]",
        f"size_categories: [{_size(rows)}]",
        *(["configs:"] if configs else []),
    ]
    for number, config in enumerate(configs):
        lines.append(f"- config_name: {config}")
        if number == 0:
            lines.append("  default: true")
        lines.append("  data_files:")
        for split in _splits(files, config):
            lines.append(f"  - {{split: {split}, path: {_pattern(files, config, split)}}}")
    declared = [config for config in configs if columns.get(config)]
    if declared:
        lines.append("dataset_info:")
    for config in declared:
        lines += [f"- config_name: {config}", "  features:"]
        for name, kind in columns[config].items():
            lines += _feature(name, kind, "  ")
    return "\n".join([*lines, "---", ""])


def _feature(name: str, kind: Any, indent: str) -> list[str]:
    """A column in the form that the card's metadata takes."""
    head = f"{indent}- name: {name}"
    if isinstance(kind, str):
        return [head, f"{indent}  dtype: {dtype(kind)}"]
    if isinstance(kind, list) and isinstance(kind[0], str):
        return [head, f"{indent}  list: {dtype(kind[0])}"]
    word, fields = ("list", kind[0]) if isinstance(kind, list) else ("struct", kind)
    lines = [head, f"{indent}  {word}:"]
    for inner, inner_kind in fields.items():
        lines += _feature(inner, inner_kind, indent + "  ")
    return lines


def _splits(files: Iterable[Stored], config: str) -> list[str]:
    return sorted({f.split for f in files if f.config == config}, reverse=True)


def _pattern(files: Sequence[Stored], config: str, split: str) -> str:
    paths = [f.path for f in files if f.config == config and f.split == split]
    if len(paths) == 1:
        return paths[0]
    suffix = next(s for s in sorted(SUFFIX.values(), key=len, reverse=True) if paths[0].endswith(s))
    return f"{config}/{split}-*{suffix}"


def _quoted(value: str) -> str:
    """A YAML scalar; JSON strings are YAML."""
    return json.dumps(value, ensure_ascii=False)


def _size(rows: int) -> str:
    bounds = [(1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M")]
    return next((name for bound, name in bounds if rows < bound), "1M<n<10M")


def _words(
    project: Mapping[str, Any],
    files: Sequence[Stored],
    configs: Sequence[str],
    about: Mapping[str, str],
    manifest: Mapping[str, Any],
    lengths: Mapping[str, Mapping[str, int]],
) -> str:
    counts, split = manifest["counts"], manifest["split"]
    rows = "\n".join(
        f"| `{config}` | "
        + " | ".join(
            str(sum(f.rows for f in files if f.config == config and f.split == name)) for name in ("train", "test")
        )
        + f" | {about.get(config, '')} |"
        for config in configs
    )
    excluded = "\n".join(f"- {reason}: {n}" for reason, n in manifest["excluded"].items()) or "- nothing"
    commands = "\n".join("    " + TRAINERS[c].format(folder="FOLDER") for c in configs if c in TRAINERS)
    percentiles = "\n".join(
        f"| `{config}` | {p['p50']} | {p['p90']} | {p['p99']} | {p['max']} |"
        for config, p in lengths.items()
        if config in configs
    )
    guidelines = "\n".join(
        f"- version {g['number']} of {g['created_at'][:10]}{': ' + g['note'] if g['note'] else ''}"
        for g in manifest["guidelines"]
    )
    return f"""
# {project["title"]}

{project["description"] or "Human feedback collected with Duologue."}

Everything in this folder describes the instant {manifest["cutoff"]}. `manifest.json` says from what and with which
settings it was made; `sha256sum -c SHA256SUMS` checks the files.

| configuration | train | test | a row is |
|---|---:|---:|---|
{rows}

## How it was made

Trainers hold dialogues with model versions and write demonstrations; a random model-written turn is drawn from each
chat, completions are sampled for it, and trainers order them, ties allowed. {counts["judges"]} people judged;
they appear under keyed pseudonyms. Rankings by the number of completions: {_by_k(counts["by K"])}.
Agreement between judges of the same completions: {_agreement(manifest["agreement"])}.

## Instructions to trainers

{guidelines or "- none were published"}

Their texts are in `manifest.json`.

## Splits

{split["method"]}; share of test: {split["test_share"]:g}. A row never changes its split in a later export.

## What was left out

{excluded}

## Lengths

Characters of a whole row's text; a token is about 4 characters of English. Trainers drop or cut rows that are too
long: TRL's `--max_length` is 1024 tokens by default.

| configuration | median | 90 % | 99 % | longest |
|---|---:|---:|---:|---:|
{percentiles}

## Training

{commands or "    see docs/formats.md"}

## Licence and contact

Licence: {project["licence"] or "other"}. Contact: {project["contact"] or "the project's managers"}.
"""


def _by_k(by_k: Mapping[str, int]) -> str:
    return ", ".join(f"{n} of {k}" for k, n in by_k.items()) or "none"


def _agreement(agreement: Mapping[str, Any] | None) -> str:
    if not agreement:
        return "no completions were judged twice"
    return (
        f"{agreement['tie_discounted']:.3f} (tie-discounted, over {agreement['pairs']} pairs of "
        f"{agreement['comparisons']} comparisons)"
    )
