"""Building items: dialogues and comparisons as the kind of import that was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from common.shapes import JsonObject, Message
from common.visible import equal_pair, visible
from labeling.errors import Invalid
from labeling.importers._fields import label_of
from labeling.importers.base import (
    COMPARISONS,
    DEMONSTRATIONS,
    MAX_COMPLETIONS,
    PROMPTS,
    RATINGS,
    Item,
    Judgement,
    Rejected,
    Text,
)
from labeling.text import check_messages

MAX_NAME = 80  # characters of a group of paraphrases


def checked(messages: list[Message], *, last: str | None = None) -> list[Message]:
    """The messages, if every reader of an export takes them.

    Raises:
        Rejected
    """
    try:
        return check_messages(messages, last=last)
    except Invalid as error:
        raise Rejected(str(error)) from None


def paraphrases_of(fields: JsonObject) -> str:
    """The group of paraphrases that a prompt says it belongs to."""
    name = label_of(fields.get("paraphrases")).strip()
    if len(name) > MAX_NAME:
        raise Rejected(f"The name of a group of paraphrases has more than {MAX_NAME} characters.")
    return name


def dialogue(messages: list[Message], kind: str, *, context: frozenset[int] = frozenset()) -> list[Item]:
    """A whole dialogue as a demonstration, or what stands before its last answer as a prompt; `context` are the places
    of answers that nobody should learn to give."""
    if kind == COMPARISONS:
        raise Rejected("The record holds one answer: there is nothing to compare.")
    if kind == PROMPTS:
        while messages and messages[-1]["role"] == "assistant":
            messages = messages[:-1]
        return [Item(PROMPTS, checked(messages, last="user"))]
    if messages and messages[-1]["role"] == "user":
        raise Rejected("The dialogue ends with the user: there is no answer to learn from.")
    return [Item(DEMONSTRATIONS, checked(messages, last="assistant"), context=context)]


def rating(messages: list[Message], up: bool, kind: str) -> list[Item]:
    """A dialogue whose last answer somebody liked or not. It teaches nobody to answer so."""
    if kind in (COMPARISONS, DEMONSTRATIONS):
        raise Rejected(f"The record is one rated answer: it cannot be imported as {kind}.")
    if kind == PROMPTS:
        return dialogue(messages, kind)
    answers = frozenset(place for place, message in enumerate(messages) if message["role"] == "assistant")
    messages = checked(messages, last="assistant")
    return [Item(RATINGS, messages, thumbs=((len(messages) - 1, up),), context=answers)]


def ranked(places: Sequence[float]) -> list[list[int]]:
    """Groups, best first, of things with these places: the lowest is best, equal is a tie."""
    return [[i for i, place in enumerate(places) if place == at] for at in sorted(set(places))]


def comparison(
    prompt: list[Message], completions: list[Text], groups: list[list[int]], kind: str, note: str = ""
) -> list[Item]:
    """A comparison, ordered where there are groups; or its best answer as a demonstration, or its prompt."""
    return judged(prompt, completions, [judgement(groups, note=note)] if groups else [], kind)


def judgement(
    groups: Sequence[Sequence[int]],
    *,
    ratings: Mapping[int, int] | None = None,
    flags: Mapping[int, list[str]] | None = None,
    strengths: tuple[int, ...] = (),
    note: str = "",
) -> Judgement:
    """One order, its groups sorted and without empty ones."""
    ordered = tuple(tuple(sorted(group)) for group in groups if group)
    return Judgement(ordered, ratings=ratings or {}, flags=flags or {}, strengths=strengths, note=note)


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
    texts = [completion.text for completion in completions]
    if not all(map(visible, texts)):
        raise Rejected("An answer has no text that a reader would see.")
    if (pair := equal_pair(texts)) is not None:
        raise Rejected(f"Answers {pair[0] + 1} and {pair[1] + 1} are equal to a reader: there is nothing to compare.")
    for given in judgements:
        if sorted(i for group in given.groups for i in group) != list(range(len(completions))):
            raise Rejected("The order names an answer twice, or not every answer.")
    return [Item(COMPARISONS, prompt, tuple(completions), tuple(judgements))]
