"""What a dialect is: the spelling of each sampling parameter, what a server can do, and what its refusals mean.

Pure: no HTTP and no torch. A file of this folder holds one table under the name `DIALECT`, and says in its docstring
where each line was read and when. Sending and reading is the work of the openai engine.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from common.shapes import Json, JsonObject

UNKNOWN = "unknown: the server's default"
NOT_APART = "within max_tokens: this server limits no reasoning alone"
SHAPING = (
    "temperature", "top_p", "top_k", "min_p", "repetition_penalty", "presence_penalty", "frequency_penalty",
    "logit_bias",
)  # fmt: skip
OFF: Mapping[str, float] = {
    "top_p": 1.0, "top_k": 0, "min_p": 0.0, "repetition_penalty": 1.0, "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
}  # fmt: skip
"""The values that mean "off" among our own parameters."""


class Seeds(StrEnum):
    """What a seed does at the server."""

    INDEXED = "one request; sample i is drawn with seed + i"
    PER_REQUEST = "a request per sample, each with a seed of its own"
    UNSURE = "a seed is sent, and honoured at best"
    NONE = "a seed is not honoured"


class Raw(StrEnum):
    """How the text of a prompt under the model's own template is had from the server."""

    TOKENIZE = "POST /tokenize with messages, then POST /detokenize"
    APPLY_TEMPLATE = "POST /apply-template"
    NONE = "not at all: roles are swapped"


class Meaning(StrEnum):
    """What a refusal means, and so what is done about it."""

    NO_SYSTEM = "the template takes no system turn"  # merged into the first user turn
    ALTERNATE = "roles must alternate"  # turns of one role are merged
    TOO_LONG = "the prompt and the answer do not fit"  # cut by the recorded rule
    LIMIT_NAME = "max_tokens is not the name"  # max_completion_tokens from then on
    PARAMETER = "a parameter is not known or not allowed"  # an option is left out; what shapes the draw is not
    NO_MODEL = "the server does not serve this model"
    KEY = "the server refuses the key"
    OTHER = "refused"


@dataclass(frozen=True)
class Spelling:
    """How a sampling parameter is written, with the value that turns it off."""

    key: str
    off: float | None  # None: nothing turns it off
    if_missing: str  # what the server does without it, for whoever reads the table


@dataclass(frozen=True)
class Refusal:
    """One line of the table of refusals. Groups named `limit`, `prompt`, `total`, `answer`, `name` are its numbers."""

    meaning: Meaning
    words: str = ""  # a regular expression over the server's words, case ignored
    statuses: tuple[int, ...] = (400, 422)
    code: str = ""  # the `code` or `type` of the error object, where that says it


@dataclass(frozen=True)
class Understood:
    """A refusal as it was understood. `said` is the server's own words: for operators only."""

    meaning: Meaning
    said: str
    limit: int | None = None  # tokens of the context
    prompt: int | None = None  # tokens of the prompt as the server counted them
    name: str = ""  # the parameter that is meant


@dataclass(frozen=True)
class Dialect:
    """The table of one kind of server."""

    name: str
    title: str  # as people know it
    spellings: Mapping[str, Spelling]
    wrapped_in: str = ""  # the key whose value, a JSON string, holds the sampling parameters
    switch: str = ""  # the parameter inside it that turns sampling on
    limit: str = "max_tokens"
    seeds: Seeds = Seeds.NONE
    many: bool = False  # `n` is honoured
    options: Mapping[str, Json] = field(default_factory=dict)  # asked for, and left out where a server refuses them
    reasoning: tuple[str, ...] = ("reasoning_content", "reasoning")  # keys of a delta that hold a trace
    reasoning_limit: str = ""  # the parameter that limits a trace alone, where the server has one
    template_arguments: bool = False  # `chat_template_kwargs` is read
    raw: Raw = Raw.NONE
    raw_options: Mapping[str, Json] = field(default_factory=dict)  # of /v1/completions with a rendered prompt
    owners: tuple[str, ...] = ()  # `owned_by` in /v1/models by which it is recognised
    sign: tuple[str, str] = ("", "")  # a path beside /v1, and a key of its answer, that only this server has
    tokenizer: str = ""  # a path beside /v1 whose answer names special tokens of the model's tokenizer
    refusals: tuple[Refusal, ...] = ()

    def unknown(self, values: Mapping[str, object]) -> tuple[str, ...]:
        """Parameters of `values` that the server has no spelling for, or no value for where they are off."""
        return tuple(
            name for name in SHAPING
            if name in values and name != "logit_bias" and not self._spelt(name, values[name])
        )  # fmt: skip

    def lacks(self, values: Mapping[str, object]) -> tuple[str, ...]:
        """Parameters that somebody asked for by name and that cannot be honoured: reason enough to refuse a policy."""
        thinking = ("thinking",) if values.get("thinking") is not None and not self.template_arguments else ()
        bias = ("logit_bias",) if values.get("logit_bias") and "logit_bias" not in self.spellings else ()
        return (*self.unknown(values), *bias, *thinking)

    def _spelt(self, name: str, value: object) -> bool:
        spelling = self.spellings.get(name)
        return spelling is not None and not (value == OFF.get(name) and spelling.off is None)

    def sampling(self, values: Mapping[str, object]) -> JsonObject:
        """What shapes the distribution, as this server reads it: each parameter, also when it is off."""
        out: JsonObject = {}
        for name in SHAPING:
            spelling, value = self.spellings.get(name), values.get(name)
            if spelling is None or value is None or (name == "logit_bias" and not value):
                continue
            if value == OFF.get(name):
                if spelling.off is not None:
                    out[spelling.key] = spelling.off
            elif isinstance(value, int | float):
                out[spelling.key] = value
            elif isinstance(value, Mapping):
                out[spelling.key] = {str(token): float(bias) for token, bias in value.items()}
        return self._wrap(out, greedy=values.get("temperature") == 0) if self.wrapped_in else out

    def _wrap(self, parameters: JsonObject, *, greedy: bool) -> JsonObject:
        bias = self.spellings.get("logit_bias")
        beside = {key: parameters.pop(key) for key in list(parameters) if bias and key == bias.key}
        inside = {**parameters, self.switch: not greedy}
        if greedy:
            inside.pop("temperature", None)
        return {**beside, self.wrapped_in: json.dumps(inside, sort_keys=True)}

    def record(self, values: Mapping[str, object], left_out: Collection[str] = ()) -> dict[str, object]:
        """The parameters as they may be called used: what could not be said is unknown, never off.

        `left_out` are keys that the server was found to refuse.
        """
        missing = self.unknown(values)
        used = {name: UNKNOWN if name in missing else value for name, value in values.items()}
        if used.get("max_reasoning_tokens") and self.reasoning_limit in {"", *left_out}:
            used["max_reasoning_tokens"] = f"{used['max_reasoning_tokens']}, {NOT_APART}"
        return used
