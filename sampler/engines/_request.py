"""What goes to a model server: the body of a request in the server's dialect, and what was learned from refusals."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from common.shapes import Json, JsonObject, Message
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

    def from_refusal(self, refusal: Understood, asked: JsonObject, options: Collection[str]) -> bool:
        """Learn from the refusal of a request. True: it may succeed in another form.

        What it was asked decides, since several requests may be refused at once for the same reason.
        """
        roles = _roles(asked)
        spoken = [role for role in roles if role != "system"]
        in_turns = spoken[:1] == ["user"] and all(a != b for a, b in itertools.pairwise(spoken))
        if refusal.meaning == Meaning.ALTERNATE and not in_turns:
            self.alternate = True
        elif refusal.meaning in {Meaning.ALTERNATE, Meaning.NO_SYSTEM} and "system" in roles:
            self.no_system = True  # some templates say of a system turn that roles must alternate
        elif refusal.meaning == Meaning.LIMIT_NAME and LIMITS[0] in asked:
            self.limit = LIMITS[1]
        elif refusal.meaning == Meaning.PARAMETER and refusal.name in options and refusal.name in asked:
            self.leave_out.add(refusal.name)
        else:
            return False
        return True


def _roles(asked: JsonObject) -> list[str]:
    messages = asked.get("messages")
    return [str(m.get("role")) for m in messages if isinstance(m, dict)] if isinstance(messages, list) else []


def seeds_for(dialect: Dialect, seed: int | None, indices: Sequence[int]) -> dict[int, int | None]:
    """The seed of each sample of one request, where it is known that the server draws with it."""
    if seed is not None and (
        dialect.seeds == Seeds.INDEXED or (dialect.seeds == Seeds.PER_REQUEST and len(indices) == 1)
    ):
        return {index: seed % SEEDS + index for index in indices}
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
    prompt: Sequence[Message] | str,
    params: Mapping[str, object],
    max_tokens: int,
    reasoning: int = 0,
    indices: Sequence[int],
    stop: Sequence[str] = (),
    template_arguments: Mapping[str, Json] | None = None,
    extra: Mapping[str, Json] | None = None,
) -> JsonObject:
    """A request for these samples (one, or all from the first on): of the chat endpoint with messages, of the
    completions endpoint with a text. `reasoning` of its `max_tokens` are for the trace."""
    raw = isinstance(prompt, str)
    out: JsonObject = {"model": model, "stream": True, **dialect.sampling(params)}
    if isinstance(prompt, str):
        out |= {"prompt": prompt, **dialect.raw_options}
    else:
        out["messages"] = [{"role": m["role"], "content": m["content"]} for m in prompt]
        if template_arguments:
            out["chat_template_kwargs"] = dict(template_arguments)
    out["max_tokens" if raw else learned.limit or dialect.limit] = max_tokens
    for name, value in dialect.options.items():
        if name not in learned.leave_out:
            out[name] = 0 if raw and name == "logprobs" else value
    if reasoning and dialect.reasoning_limit and not raw and dialect.reasoning_limit not in learned.leave_out:
        out[dialect.reasoning_limit] = reasoning
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
