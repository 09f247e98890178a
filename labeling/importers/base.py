"""What importers have in common: the items that they make, named transforms, refusals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from labeling.errors import Invalid
from labeling.text import CONTROL_TOKENS, check_messages, clean

Message = dict[str, str]

PROMPTS, DEMONSTRATIONS, COMPARISONS = "prompts", "demonstrations", "comparisons"
KINDS = (PROMPTS, DEMONSTRATIONS, COMPARISONS)
MAX_COMPLETIONS = 9


class Rejected(ValueError):
    """The record cannot be imported; the message is the reason, a sentence."""


@dataclass(frozen=True)
class Text:
    """A completion of a comparison, as it came."""

    text: str
    model: str = ""
    id: str = ""


@dataclass(frozen=True)
class Judgement:
    """One order of a comparison's completions, which it names by their index."""

    groups: tuple[tuple[int, ...], ...]  # best first
    ratings: Mapping[int, int] = field(default_factory=dict)
    flags: Mapping[int, list[str]] = field(default_factory=dict)
    strengths: tuple[int, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Item:
    """One thing to store: messages that end with the user's (prompt), with the assistant's
    (demonstration), or a prompt with completions and perhaps their order (comparison)."""

    kind: str
    messages: list[Message]
    completions: tuple[Text, ...] = ()
    judgements: tuple[Judgement, ...] = ()  # none: not ordered

    @property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """The first judgement's order."""
        return self.judgements[0].groups if self.judgements else ()

    def content(self) -> dict[str, Any]:
        """What makes two items the same."""
        further = [[list(group) for group in judgement.groups] for judgement in self.judgements[1:]]
        return ({"further": further} if further else {}) | {
            "kind": self.kind,
            "messages": self.messages,
            "completions": [[c.text, c.model] for c in self.completions],
            "groups": [list(group) for group in self.groups],
        }


@dataclass(frozen=True)
class Asked:
    """Transforms that are made only on request."""

    split_turns: bool = False  # a prompt that is wholly a transcript becomes turns
    keep_preamble: bool = False  # Alpaca's preamble becomes the system message


class Steps:
    """Transforms applied to one record, by name; each is counted over the import."""

    def __init__(self, asked: Asked | None = None) -> None:
        self.asked = asked or Asked()
        self.taken: list[str] = []

    def take(self, name: str) -> None:
        if name not in self.taken:
            self.taken.append(name)


StepCounts = Counter[str]


def field_of(record: Mapping[str, Any], *names: str) -> Any:
    """The first of these fields that the record has."""
    return next((record[name] for name in names if name in record), None)


def object_of(record: Any) -> Mapping[str, Any]:
    if not isinstance(record, Mapping):
        raise Rejected(f"The record is {kind_of(record)}, not an object with fields.")
    return record


def text_of(value: Any, what: str) -> str:
    """A text as it is stored.

    Raises:
        Rejected: no text, or one that cannot be stored.
    """
    if value is None:
        raise Rejected(f"There is no {what}.")
    if not isinstance(value, str):
        raise Rejected(f"The {what} is {kind_of(value)}, not a text.")
    if "\ufffd" in value and "\udcff" in value:  # pragma: no cover - both at once mean a broken decoder
        raise Rejected(f"The {what} is not UTF-8.")
    try:
        return clean(value)
    except Invalid as error:
        raise Rejected(f"The {what} cannot be stored: {_lower(error)}") from None


def answer_of(value: Any, what: str, steps: Steps) -> str:
    """A text that a model or a person answered: stripped, less control tokens at its end."""
    text = text_of(value, what)
    bare = text.strip()
    while (match := CONTROL_TOKENS.search(bare)) and not bare[match.end() :].strip():
        bare = bare[: match.start()].rstrip()
        steps.take("control token at the end dropped")
    if bare != text:
        steps.take("outer whitespace of the answer stripped")
    if not bare:
        raise Rejected(f"The {what} is empty.")
    return bare


def checked(messages: list[Message], *, last: str | None = None) -> list[Message]:
    """The messages, if every reader of an export takes them.

    Raises:
        Rejected
    """
    try:
        return check_messages(messages, last=last)
    except Invalid as error:
        raise Rejected(str(error)) from None


def dialogue(messages: list[Message], kind: str) -> list[Item]:
    """A whole dialogue as a demonstration, or what stands before its last answer as a prompt."""
    if kind == COMPARISONS:
        raise Rejected("The record holds one answer: there is nothing to compare.")
    if kind == PROMPTS:
        while messages and messages[-1]["role"] == "assistant":
            messages = messages[:-1]
        return [Item(PROMPTS, checked(messages, last="user"))]
    if messages and messages[-1]["role"] == "user":
        raise Rejected("The dialogue ends with the user: there is no answer to learn from.")
    return [Item(DEMONSTRATIONS, checked(messages, last="assistant"))]


def comparison(
    prompt: list[Message], completions: list[Text], groups: list[list[int]], kind: str, note: str = ""
) -> list[Item]:
    """A comparison, ordered where there are groups; or its best answer as a demonstration, or its prompt."""
    return judged(prompt, completions, [judgement(groups, note=note)] if groups else [], kind)


def judgement(groups: list[list[int]], **more: Any) -> Judgement:
    return Judgement(tuple(tuple(sorted(group)) for group in groups if group), **more)


def judged(prompt: list[Message], completions: list[Text], judgements: list[Judgement], kind: str) -> list[Item]:
    """As `comparison`, with any number of judgements; the first says which answer is best."""
    prompt = checked(prompt, last="user")
    if kind == PROMPTS:
        return [Item(PROMPTS, prompt)]
    if kind == DEMONSTRATIONS:
        best = judgements[0].groups[0] if judgements else range(len(completions))
        return [
            Item(DEMONSTRATIONS, checked([*prompt, {"role": "assistant", "content": completions[i].text}]))
            for i in best
        ]
    if len(completions) < 2:
        raise Rejected("The record holds one answer: there is nothing to compare.")
    if len(completions) > MAX_COMPLETIONS:
        raise Rejected(f"The record holds {len(completions)} answers; a comparison takes at most {MAX_COMPLETIONS}.")
    for given in judgements:
        if sorted(i for group in given.groups for i in group) != list(range(len(completions))):
            raise Rejected("The order names an answer twice, or not every answer.")
    return [Item(COMPARISONS, prompt, tuple(completions), tuple(judgements))]


def kind_of(value: Any) -> str:
    names = {
        str: "a text",
        bool: "true or false",
        int: "a number",
        float: "a number",
        list: "a list",
        dict: "an object",
    }
    return "nothing" if value is None else names.get(type(value), "something else")


def _lower(error: Exception) -> str:
    sentence = str(error)
    return sentence[:1].lower() + sentence[1:]
