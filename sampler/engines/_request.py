"""What goes to a model server: the body of a request in the server's dialect, and what was learned from refusals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from common.shapes import Json, JsonObject
from sampler.dialects.base import Dialect, Meaning, Seeds, Understood
from sampler.params import MAX_N

SEEDS = 2**31 - MAX_N  # servers take no larger seed, and one of them adds the index of the sample
LIMITS = ("max_tokens", "max_completion_tokens")


@dataclass
class Learned:
    """What a server was found to take, so that later requests do without the rest."""

    leave_out: set[str] = field(default_factory=set)
    limit: str = ""  # the name of the limit, where it is not the dialect's
    one_by_one: bool = False  # it ignores n
    no_system: bool = False  # its template takes no system turn
    alternate: bool = False  # its template wants user and assistant in turns
    no_raw: bool = False  # the text under its template is not to be had
    context: int | None = None  # tokens of its context, by its own words
    ratio: float = 1.0  # its tokens for one of our estimate

    def from_refusal(self, refusal: Understood, dialect: Dialect, estimated: int) -> bool:
        """Learn from a refusal. True: another request may succeed."""
        if refusal.meaning == Meaning.NO_SYSTEM and not self.no_system:
            self.no_system = True
        elif refusal.meaning == Meaning.ALTERNATE and not self.alternate:
            self.alternate = True
        elif refusal.meaning == Meaning.ALTERNATE and not self.no_system:
            self.no_system = True  # some templates say so of a system turn
        elif refusal.meaning == Meaning.LIMIT_NAME and not self.limit:
            self.limit = next(name for name in LIMITS if name != dialect.limit)
        elif refusal.meaning == Meaning.PARAMETER and refusal.name in dialect.options:
            if refusal.name in self.leave_out:
                return False
            self.leave_out.add(refusal.name)
        elif refusal.meaning == Meaning.TOO_LONG:
            return self._too_long(refusal, estimated)
        else:
            return False
        return True

    def _too_long(self, refusal: Understood, estimated: int) -> bool:
        if refusal.limit is not None:
            self.context = refusal.limit
        if refusal.prompt is not None and estimated:
            self.ratio = max(refusal.prompt / estimated, 0.05)
        return True


def seeds_for(dialect: Dialect, seed: int | None, indices: Sequence[int]) -> dict[int, int | None]:
    """The seed of each sample of one request, where the server draws with one."""
    if seed is None or dialect.seeds == Seeds.NONE:
        return dict.fromkeys(indices)
    base = seed % SEEDS
    if len(indices) == 1 or dialect.seeds == Seeds.INDEXED:
        return {index: base + index for index in indices}
    return dict.fromkeys(indices)


def groups(dialect: Dialect, learned: Learned, indices: Sequence[int]) -> list[list[int]]:
    """Samples that go into one request each."""
    together = dialect.many and not learned.one_by_one and dialect.seeds != Seeds.PER_REQUEST
    return [list(indices)] if together else [[index] for index in indices]


def body(
    *,
    dialect: Dialect,
    learned: Learned,
    model: str,
    prompt: Sequence[Mapping[str, str]] | str,
    params: Mapping[str, object],
    max_tokens: int,
    indices: Sequence[int],
    stop: Sequence[str] = (),
    template_arguments: Mapping[str, Json] | None = None,
    extra: Mapping[str, Json] | None = None,
) -> JsonObject:
    """A request for these samples (one, or all from the first on): of the chat endpoint with messages, of the
    completions endpoint with a text."""
    raw = isinstance(prompt, str)
    out: JsonObject = {"model": model, "stream": True, **dialect.sampling(params)}
    if raw:
        out |= {"prompt": str(prompt), **dialect.raw_options}
    else:
        out["messages"] = [dict(message) for message in prompt if isinstance(message, Mapping)]
        if template_arguments:
            out["chat_template_kwargs"] = dict(template_arguments)
    out["max_tokens" if raw else learned.limit or dialect.limit] = max_tokens
    for name, value in dialect.options.items():
        if name not in learned.leave_out:
            out[name] = 0 if raw and name == "logprobs" else value
    if (seed := _seed(params)) is not None and dialect.seeds != Seeds.NONE:
        out["seed"] = seed % SEEDS + indices[0]
    if len(indices) > 1:
        out["n"] = len(indices)
    if stop:
        out["stop"] = list(stop)
    return {**out, **(extra or {})}


def _seed(params: Mapping[str, object]) -> int | None:
    seed = params.get("seed")
    return seed if isinstance(seed, int) else None
