"""What a new project can begin as: a name, a sentence, and the settings that follow from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.utils.translation import gettext_noop

from labeling.models import DEFAULT_FLAGS


@dataclass(frozen=True)
class Preset:
    """Settings of `Project` that differ from their defaults."""

    title: str
    about: str
    settings: Mapping[str, object]
    ranks: bool = True  # whether it needs prompts and a model before anybody can begin
    with_prompts: Mapping[str, object] = field(default_factory=dict)  # further settings where prompts are given


PRESETS: dict[str, Preset] = {
    "instructgpt": Preset(
        gettext_noop("Rank several answers, with grades"),
        gettext_noop("Chats and demonstrations, and 4 to 9 answers that are graded from 1 to 7 and then put in order."),
        {
            "task_types": ["demonstration", "chat", "ranking"],
            "completions_per_comparison": 4,
            "ask_ratings": True,
            "flags": list(DEFAULT_FLAGS),
            "overlap_share": 0.15,
            "overlap_votes": 3,
        },
    ),
    "pairs": Preset(
        gettext_noop("Compare two answers"),
        gettext_noop("The quickest: two answers to a prompt, and one key says which is better."),
        {
            "task_types": ["chat", "ranking"],
            "completions_per_comparison": 2,
            "ask_ratings": False,
            "flags": [],
            "overlap_share": 0.15,
            "overlap_votes": 3,
        },
    ),
    "evaluation": Preset(
        gettext_noop("Evaluate two models"),
        gettext_noop(
            "Two answers to each of your prompts, one of each model; every comparison is judged by two people, so that "
            "their agreement can be measured."
        ),
        {
            "task_types": ["ranking"],
            "completions_per_comparison": 2,
            "ask_ratings": False,
            "flags": [],
            "votes_per_comparison": 2,
            "overlap_share": 0.0,
            "overlap_votes": 2,
            "include_original": False,
            "one_of_each": True,
        },
    ),
    "demonstrations": Preset(
        gettext_noop("Write demonstrations"),
        gettext_noop("People write both sides of a dialogue, with the model's suggestions at hand. Nothing is ranked."),
        {"task_types": ["demonstration"], "stock_target": 0},
        ranks=False,
        with_prompts={"prompted_share": 0.5},
    ),
}
