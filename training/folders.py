"""Export folders, as training reads them (formats: docs/formats.md). Imports no torch."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import IO, Any, NotRequired, TypedDict

from common.shapes import Message

CUT = "length"  # the finish_reason of an answer that was cut at its limit


class BadFolder(ValueError):
    """The folder is not an export that can be trained on; the message says what is missing."""


class PreferenceRow(TypedDict):
    """The columns of `preferences` that are read here, as are those of the next two."""

    ranking_id: str
    prompt: list[Message]
    chosen: list[Message]
    rejected: list[Message]
    chosen_completion_id: str
    rejected_completion_id: str
    chosen_finish_reason: NotRequired[str | None]
    rejected_finish_reason: NotRequired[str | None]
    weight: float
    label_weight: float | None


class RankedCompletion(TypedDict):
    rank: int
    completion: list[Message]
    finish_reason: NotRequired[str | None]


class RankingRow(TypedDict):
    id: str
    context: list[Message]
    status: str
    completions: list[RankedCompletion]
    label_weight: float | None


@dataclass
class Judgement:
    """One ranking: each answer once, and the strict pairs (chosen, rejected) as indexes into them."""

    id: str
    prompt: list[Message]
    answers: list[str] = field(default_factory=list)
    pairs: list[tuple[int, int]] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)  # of the pairs; sum to 1, or to its label weight
    ties: list[tuple[int, int]] = field(default_factory=list)  # where they are asked for
    tie_weights: list[float] = field(default_factory=list)  # sum to 1 together with those of the pairs
    cut: set[str] = field(default_factory=set)  # answers that were cut at their limit

    def conversations(self) -> list[list[Message]]:
        return [[*self.prompt, {"role": "assistant", "content": answer}] for answer in self.answers]


@dataclass(frozen=True)
class Answer:
    """An answer to imitate."""

    prompt: list[Message]
    text: str
    cut: bool = False  # at its limit: it does not end where its text does


def judgements(
    folder: str | Path, split: str, *, use_label_weight: bool = False, ties: bool = False
) -> list[Judgement]:
    """The rankings of a split, from `preferences` (whose `weight` is honoured), else from `rankings`.

    `use_label_weight` multiplies each pair by the export's trust in its judge. With `ties`, from `rankings` only,
    and a ranking's weight is shared by its strict and its tied pairs.

    Raises:
        BadFolder: neither configuration is there, or a row is not in its form.
    """
    config = "preferences" if files(folder, "preferences") and not ties else "rankings"
    if not files(folder, config):
        missing = "no rankings, and only they have ties" if ties else "neither preferences nor rankings"
        raise BadFolder(f"{folder} holds {missing}: is it an export?")
    try:
        if config == "preferences":
            return _from_pairs(_rows(folder, config, split), use_label_weight)
        return _from_rankings(_rows(folder, config, split), use_label_weight, ties)
    except (KeyError, TypeError, IndexError) as error:
        raise BadFolder(f"{config}/{split}: a row lacks {error}.") from None


def _from_pairs(found: Iterator[PreferenceRow], use_label_weight: bool) -> list[Judgement]:
    by_id: dict[str, Judgement] = {}
    places: dict[str, dict[str, int]] = {}
    for row in found:
        key = row["ranking_id"]
        one = by_id.setdefault(key, Judgement(key, row["prompt"]))
        known = places.setdefault(key, {})
        pair = []
        for cid, side, ending in (
            (row["chosen_completion_id"], row["chosen"], row.get("chosen_finish_reason")),
            (row["rejected_completion_id"], row["rejected"], row.get("rejected_finish_reason")),
        ):
            if ending == CUT:
                one.cut.add(side[0]["content"])
            if cid not in known:
                known[cid] = len(one.answers)
                one.answers.append(side[0]["content"])
            pair.append(known[cid])
        one.pairs.append((pair[0], pair[1]))
        one.weights.append(float(row["weight"]) * _trust(row.get("label_weight"), use_label_weight))
    return list(by_id.values())


def _from_rankings(found: Iterator[RankingRow], use_label_weight: bool, ties: bool) -> list[Judgement]:
    result = []
    for row in found:
        if row.get("status", "ranked") != "ranked":
            continue
        items = [(c["rank"], c["completion"][0]["content"]) for c in row["completions"]]
        cut = {c["completion"][0]["content"] for c in row["completions"] if c.get("finish_reason") == CUT}
        one = Judgement(row["id"], row["context"], [text for _, text in items], cut=cut)
        for (i, (rank, text)), (j, (other, another)) in combinations(enumerate(items), 2):
            if rank != other and text != another:
                one.pairs.append((i, j) if rank < other else (j, i))
            elif ties and text != another:
                one.ties.append((i, j))
        if count := len(one.pairs) + len(one.ties):
            weight = _trust(row.get("label_weight"), use_label_weight) / count
            one.weights, one.tie_weights = [weight] * len(one.pairs), [weight] * len(one.ties)
            result.append(one)
    return result


def _trust(label_weight: float | None, use_label_weight: bool) -> float:
    return float(label_weight) if use_label_weight and label_weight is not None else 1.0


def answers(folder: str | Path, split: str, *, source: str = "") -> list[Answer]:
    """Answers to imitate: `sft` (written or approved ones), or `chosen`, the first place of each ranking.

    Without a source: `sft` where the folder has it, else `chosen`.

    Raises:
        BadFolder: what was asked for is not there.
    """
    source = source or ("sft" if files(folder, "sft") else "chosen")
    if source == "sft":
        if not files(folder, "sft"):
            raise BadFolder(f"{folder} holds no sft configuration.")
        return [
            Answer(row["prompt"], row["completion"][0]["content"], row.get("finish_reason") == CUT)
            for row in _rows(folder, "sft", split)
        ]
    found = []
    for one in judgements(folder, split):
        beaten = {rejected for _, rejected in one.pairs}
        found += [
            Answer(one.prompt, text, text in one.cut) for index, text in enumerate(one.answers) if index not in beaten
        ]
    return found


def prompts(folder: str | Path, split: str) -> list[list[Message]]:
    """Prompts to sample from: `prompts`, else those of the rankings, each once.

    Raises:
        BadFolder: the folder has none.
    """
    if files(folder, "prompts"):
        found: list[list[Message]] = [row["prompt"] for row in _rows(folder, "prompts", split)]
    else:
        found = [one.prompt for one in judgements(folder, split)]
    return list({json.dumps(prompt, sort_keys=True): prompt for prompt in found}.values())


def files(folder: str | Path, config: str, split: str = "") -> list[Path]:
    """Data files of a configuration, plain or packed, in the order of their shards."""
    return sorted((Path(folder) / config).glob(f"{split}*.jsonl*"))


def origin(folder: str | Path) -> dict[str, str | None]:
    """The export's id, and the SHA-256 of its manifest, which holds those of its files; None where it has none."""
    try:
        manifest = (Path(folder) / "manifest.json").read_bytes()
        return {
            "export_id": str(json.loads(manifest)["export_id"]),
            "export_sha256": hashlib.sha256(manifest).hexdigest(),
        }
    except (OSError, ValueError, KeyError):
        return {"export_id": None, "export_sha256": None}


def _rows(folder: str | Path, config: str, split: str) -> Iterator[Any]:
    """Whoever asks says by its types what it reads of a row; a row in another form is caught there.

    Raises:
        BadFolder: a line is not JSON.
    """
    for path in files(folder, config, split):
        with _open(path) as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    yield json.loads(line)
                except ValueError:
                    raise BadFolder(f"{path} line {number} is not JSON.") from None


def _open(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="\n")
    if path.suffix == ".zst":
        import zstandard

        return io.TextIOWrapper(zstandard.open(path, "rb"), encoding="utf-8", newline="\n")
    return path.open(encoding="utf-8", newline="\n")


def write_answers(folder: str | Path, found: Sequence[Answer]) -> Path:
    """A folder with an `sft` configuration of these answers, as an export has it."""
    path = Path(folder) / "sft" / "train.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        for one in found:
            row = {
                "prompt": one.prompt,
                "completion": [{"role": "assistant", "content": one.text}],
                "finish_reason": CUT if one.cut else None,
            }
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return path
