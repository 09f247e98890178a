"""What an export may be asked for: one frozen value, checked once, stored with the run and the manifest.

Every interface (command, admin page, API, nightly task) goes through `Options.from_dict`.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from common import plugins
from common.shapes import JsonObject
from labeling.errors import Invalid
from labeling.models import Project
from labeling.named import check_named

FORMATS = "exports.formats"
RENDERINGS = "exports.renderings"
COMPRESSIONS = ("", "gzip", "zstd")
TASK_TYPES = ("chat", "demonstration", "ranking")  # the last: prompts of the pool
CONSENSUS = ("", "borda", "plackett-luce", "majority")
USUAL = tuple(name for name in plugins.choices(FORMATS) if name != "moderation")  # that one holds what is blocked


class BadOptions(Invalid):
    """The options cannot be used; the message is a sentence for whoever asked."""


@dataclasses.dataclass(frozen=True)
class Options:
    configs: tuple[str, ...] = ()
    renderings: tuple[str, ...] = ()
    round: int | None = None
    since: dt.datetime | None = None
    consensus: str = ""  # by which method; empty: every vote
    redact: bool = False
    shards: int = 1
    compress: str = ""
    mix: tuple[tuple[str, float], ...] = ()
    task_types: tuple[str, ...] = ()  # empty: all
    guideline_version: int | None = None
    min_label_weight: float = 0.0
    min_agreement: float | None = None  # of the comparison's votes, tie-discounted
    include_verbatim: bool = True  # suggestions taken over word for word, in `sft`
    include_truncated: bool = False  # answers that were cut at their limit, in `sft` and `preferences`
    include_control_tokens: bool = False  # texts that hold one, which forge turns in training
    include_reasoning: bool = False  # what a reasoning model said before it answered, in `rankings`
    include_unsafe: bool = True  # completions that carry one of `unsafe_flags`
    unsafe_flags: tuple[str, ...] = (
        "sexual content",
        "violent content",
        "encourages or fails to discourage violence, abuse, terrorism or self-harm",
        "denigrates a protected class",
        "gives harmful advice",
    )
    kinds: tuple[str, ...] = ("normal",)  # of comparisons; imported ones come in by `mix`
    include_surplus: bool = False  # late votes that found no slot
    include_research: bool = False  # reviewers' own blind votes
    include_ai_judges: bool = False  # what AI judges said, as votes

    @classmethod
    def from_dict(cls, given: Mapping[str, object] | None = None) -> Options:
        """Options from JSON, a form or a command line; unknown names and wrong values are refused.

        Raises:
            BadOptions: with a sentence that names the option.
        """
        values = {ALIASES.get(name, name): value for name, value in (given or {}).items() if value is not None}
        names = {field.name: field.type for field in dataclasses.fields(cls)}
        if unknown := sorted(set(values) - set(names)):
            raise BadOptions(f"Unknown export option {unknown[0]!r}; there are {', '.join(sorted(names))}.")
        taken: dict[str, Any] = {name: TAKERS[str(names[name])](name, value) for name, value in values.items()}
        options = cls(**taken)
        options._check()
        return options if options.configs else dataclasses.replace(options, configs=USUAL)

    def _check(self) -> None:
        for what, given, there in (
            ("configuration", self.configs, plugins.choices(FORMATS)),
            ("format", self.renderings, plugins.choices(RENDERINGS)),
            ("task type", self.task_types, TASK_TYPES),
        ):
            for name in given:
                if name not in there:
                    raise BadOptions(f"There is no {what} {name!r}; there are {', '.join(there)}.")
        if self.compress not in COMPRESSIONS:
            raise BadOptions("compress takes gzip or zstd.")
        if self.consensus not in CONSENSUS:
            raise BadOptions(f"consensus takes {', '.join(CONSENSUS[1:])}.")
        if not 1 <= self.shards <= 1000:
            raise BadOptions("shards takes 1 to 1000.")
        if self.consensus and self.since:
            raise BadOptions("consensus and since cannot be combined: a consensus is not a row that stays.")

    def check_in(self, project: Project) -> None:
        """Raises Invalid where it names a round, guideline version or import that the project lacks."""
        check_named(project, round=self.round, guideline_version=self.guideline_version, sources=dict(self.mix))

    def to_dict(self) -> JsonObject:
        """As JSON, for the run's row and the manifest; `from_dict` reads it back."""
        values = dataclasses.asdict(self)
        values["since"] = self.since.isoformat() if self.since else None
        values["mix"] = dict(self.mix)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def _names(option: str, value: object) -> tuple[str, ...]:
    parts = [part.strip() for part in value.split(",")] if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
        raise BadOptions(f"{option} takes a list of names.")
    return tuple(dict.fromkeys(part for part in parts if part))


def _mix(option: str, value: object) -> tuple[tuple[str, float], ...]:
    """`{"alpaca": 0.5}` or `["alpaca=0.5"]`."""
    pairs: dict[str, float] = {}
    if isinstance(value, list | tuple):
        value = {str(item).rpartition("=")[0] or str(item): str(item).rpartition("=")[2] for item in value}
    if not isinstance(value, Mapping):
        raise BadOptions("mix takes SOURCE=WEIGHT.")
    for source, weight in value.items():
        try:
            pairs[str(source)] = float(weight)
        except (TypeError, ValueError):
            raise BadOptions(f"mix takes SOURCE=WEIGHT; the weight of {source!r} is not a number.") from None
        if not source or not 0 < pairs[str(source)] <= 100:
            raise BadOptions(f"mix takes weights above 0 and up to 100; {source!r} has {weight}.")
    return tuple(sorted(pairs.items()))


def _instant(option: str, value: object) -> dt.datetime:
    return value if isinstance(value, dt.datetime) else parse_instant(str(value))


def parse_instant(text: str) -> dt.datetime:
    """ISO 8601 with a zone; without one, UTC is meant.

    Raises:
        BadOptions: it is not such an instant.
    """
    try:
        instant = dt.datetime.fromisoformat(text)
    except ValueError:
        raise BadOptions(f"{text!r} is not an ISO 8601 instant such as 2026-11-22T03:00:00Z.") from None
    return instant if instant.tzinfo else instant.replace(tzinfo=dt.UTC)


def _whole(option: str, value: object) -> int:
    try:
        return int(str(value))
    except ValueError:
        raise BadOptions(f"{option} takes a whole number.") from None


def _share(option: str, value: object) -> float:
    try:
        number = float(str(value))
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise BadOptions(f"{option} takes a number from 0 to 1.")
    return number


def _yes(option: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise BadOptions(f"{option} takes true or false.")
    return value


def _name(option: str, value: object) -> str:
    """One of a few names. Runs of earlier versions, and a box that was ticked, say true or false for `consensus`."""
    if isinstance(value, bool):
        return "borda" if value else ""
    return str(value)


ALIASES = {"config": "configs", "render": "renderings"}
TAKERS: dict[str, Callable[[str, object], object]] = {  # by the type of the field, as it is written in `Options`
    "tuple[str, ...]": _names,
    "tuple[tuple[str, float], ...]": _mix,
    "dt.datetime | None": _instant,
    "int": _whole,
    "int | None": _whole,
    "float": _share,
    "float | None": _share,
    "bool": _yes,
    "str": _name,
}
