"""The dataset card: README.md with front matter that `datasets.load_dataset` follows, by huggingface_hub.

Columns are declared (`dataset_info`), because a loader that infers them from the first rows fails
where a column starts with nulls.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from huggingface_hub.repocard_data import DatasetCardData

from common.shapes import JsonObject
from exports.formats.base import Columns, Kind, Output
from exports.selection.votes import Summary
from exports.writing.counts import Lengths
from exports.writing.files import Stored
from exports.writing.jsonl import SUFFIX
from exports.writing.manifest import Manifest
from labeling.models import Project

TRAINERS = {
    "preferences": "trl reward --dataset_name FOLDER --dataset_config preferences --model_name_or_path MODEL",
    "sft": "trl sft --dataset_name FOLDER --dataset_config sft --model_name_or_path MODEL",
    "prompts": "trl grpo --dataset_name FOLDER --dataset_config prompts --model_name_or_path MODEL "
    "--reward_model_name_or_path REWARD_MODEL",
    "ratings": "trl kto --dataset_name FOLDER --dataset_config ratings --model_name_or_path MODEL",
}
DEFAULT_ORDER = ("preferences", "sft", "rankings", "prompts", "ratings", "raw")  # the first one written is the default
AI = " Models judged too: rankings of `kind` ai are no person's, and `ai_judgements` says whose they are."
SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def text(
    *,
    project: Project,
    files: Sequence[Stored],
    outputs: Mapping[str, Output],
    manifest: Manifest,
    lengths: Mapping[str, Lengths],
) -> str:
    """The whole card."""
    files = [file for file in files if file.split and file.path.endswith(tuple(SUFFIX.values()))]
    configs = sorted({file.config for file in files}, key=_order)
    data = DatasetCardData(
        pretty_name=project.title,
        license=project.licence or "other",
        language=[project.language],
        task_categories=["text-generation"],
        tags=["rlhf", "preference", "human-feedback"],
        size_categories=[_size(files, configs)],
        configs=[_config(files, config, default=config == configs[0]) for config in configs] or None,
        dataset_info=[_info(config, columns) for config in configs if (columns := outputs[config].columns)] or None,
    )
    about = {name: output.about for name, output in outputs.items()}
    return f"---\n{data.to_yaml()}\n---\n" + _words(project, files, configs, about, manifest, lengths)


def _order(config: str) -> tuple[int, str]:
    return (DEFAULT_ORDER.index(config) if config in DEFAULT_ORDER else len(DEFAULT_ORDER), config)


def _size(files: Iterable[Stored], configs: Iterable[str]) -> str:
    rows = max((_rows(files, config) for config in configs), default=0)
    return next((name for bound, name in SIZES if rows < bound), "1M<n<10M")


def _rows(files: Iterable[Stored], config: str, split: str = "") -> int:
    return sum(file.rows for file in files if file.config == config and file.split.startswith(split))


def _config(files: Sequence[Stored], config: str, *, default: bool) -> JsonObject:
    splits = sorted({file.split for file in files if file.config == config}, reverse=True)
    return {
        "config_name": config,
        **({"default": True} if default else {}),
        "data_files": [{"split": split, "path": _pattern(files, config, split)} for split in splits],
    }


def _pattern(files: Sequence[Stored], config: str, split: str) -> str:
    paths = [f.path for f in files if f.config == config and f.split == split]
    if len(paths) == 1:
        return paths[0]
    suffix = next(s for s in sorted(SUFFIX.values(), key=len, reverse=True) if paths[0].endswith(s))
    return f"{config}/{split}-*{suffix}"


def _info(config: str, columns: Columns) -> JsonObject:
    return {"config_name": config, "features": [_feature(name, kind) for name, kind in columns.items()]}


def _feature(name: str, kind: Kind) -> JsonObject:
    """A column in the form that the card's metadata takes."""
    if isinstance(kind, str):
        return {"name": name, "dtype": kind}
    word = "list" if isinstance(kind, list) else "struct"
    inner = kind[0] if isinstance(kind, list) else kind
    if isinstance(inner, dict):
        return {"name": name, word: [_feature(key, value) for key, value in inner.items()]}
    return {"name": name, word: str(inner)}


def _words(
    project: Project,
    files: Sequence[Stored],
    configs: Sequence[str],
    about: Mapping[str, str],
    manifest: Manifest,
    lengths: Mapping[str, Lengths],
) -> str:
    rows = [f"| `{c}` | {_rows(files, c, 'train')} | {_rows(files, c, 'test')} | {about[c]} |" for c in configs]
    commands = ["    " + TRAINERS[config] for config in configs if config in TRAINERS]
    return f"""
# {project.title}

{project.description or "Human feedback collected with Duologue."}

Everything in this folder describes the instant {manifest["cutoff"]}. `manifest.json` says from what and with which
settings it was made; `sha256sum -c SHA256SUMS` checks the files.

| configuration | train | test | a row is |
|---|---:|---:|---|
{_lines(rows)}

{_origin(manifest)}

## Lengths

Characters of a whole row's text, rounded up to 64; a token is about 4 characters of English. Trainers drop or cut rows
that are too long: TRL's `--max_length` is 1024 tokens by default.

| configuration | median | 90 % | 99 % | longest |
|---|---:|---:|---:|---:|
{_lines(_length(config, some) for config, some in lengths.items() if config in configs and some.steps)}

## Training

{_lines(commands) or "    see docs/formats.md"}

## Withdrawals

People may withdraw what they wrote. Later exports leave it out, and their `tombstones.jsonl` lists what is gone.
Whoever keeps a copy of this one is asked to replace it by a later one.

## Licence and contact

Licence: {project.licence or "other"}. Contact: {project.contact or "the project's managers"}.
"""


def _origin(manifest: Manifest) -> str:
    """How the rows came about, how they were split, and what is not among them."""
    counts, split, filters = manifest["counts"], manifest["split"], manifest["filters"]
    excluded = [f"- {reason}: {n}" for reason, n in manifest["excluded"].items()]
    guidelines = [
        f"- version {g['number']} of {g['created_at'][:10]}{': ' + g['note'] if g['note'] else ''}"
        for g in manifest["guidelines"]
    ]
    return f"""\
## How it was made

Trainers hold dialogues with model versions and write demonstrations; a random model-written turn is drawn from each
chat, or a prompt of the pool, completions are sampled for it, and trainers order them, ties allowed. Number of people
who judged, under keyed pseudonyms: {counts["judges"]}.{AI * bool(filters["include_ai_judges"])} Rankings by their size:
{_by_k(counts["by K"])}. Agreement between judges of the same completions: {_agreement(manifest["agreement"])}.

## Instructions to trainers

{_lines(guidelines) or "- none were published"}

Their texts are in `manifest.json`.
{_terms(manifest)}
## Splits

{split["method"]}; share of test: {split["test_share"]:g}. A row never changes its split in a later export.

## What was left out

{_lines(excluded) or "- nothing"}"""


def _terms(manifest: Manifest) -> str:
    """What people agreed to before they worked: the text in force, and how many accepted which version."""
    if not (terms := manifest["terms"]):
        return ""
    lines = [f"- version {t['number']} of {t['created_at'][:10]}: accepted by {t['accepted']} people" for t in terms]
    quoted = ("> " + line for line in terms[-1]["text"].splitlines())
    return f"\n## Terms that people accepted\n\n{_lines(lines)}\n\nIn force is:\n\n{_lines(quoted)}\n"


def _lines(some: Iterable[str]) -> str:
    return "\n".join(some)


def _length(config: str, lengths: Lengths) -> str:
    found = lengths.percentiles()
    return f"| `{config}` | {found['p50']} | {found['p90']} | {found['p99']} | {found['max']} |"


def _by_k(by_k: int | dict[str, int]) -> str:
    return ", ".join(f"{n} of {k}" for k, n in by_k.items()) if isinstance(by_k, dict) and by_k else "none"


def _agreement(agreement: Summary | None) -> str:
    if not agreement:
        return "no completions were judged twice"
    return (
        f"{agreement['tie_discounted']:.3f} (tie-discounted, over {agreement['pairs']} pairs of "
        f"{agreement['comparisons']} comparisons)"
    )
