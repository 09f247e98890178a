"""What the report by round holds: the dictionaries that are kept as JSON and shown on its page."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from insights.report_types import Duel, Share


class RoundRow(TypedDict):
    """A round: its newest policy against the one before, and how people agree on its comparisons."""

    round: int
    duel: Duel | None
    people: Share | None


class RewardRow(TypedDict):
    """A reward model on the held-out comparisons of a round, and the people whose pairs it was held against."""

    round: int | None
    model: str
    agreement: Share  # with people's strict pairs; equal scores count half
    longer: Share  # of the pairs that differ in length: how often it puts the longer text first
    people_longer: Share  # the same of the people, on the same pairs


class JudgeRow(TypedDict):
    """An AI judge, over all that it judged; against people on the pairs that they ordered too."""

    judge: int  # its number in the project
    model: str
    comparisons: int
    unreadable: Share  # of the verdicts that came
    unanswered: int  # verdicts that did not come
    first: Share  # of the verdicts that prefer one: for the answer that stands first
    ties: Share  # of the verdicts that can be read
    changed: Share  # of the pairs: another verdict when the order is another
    agreement: Share  # of the pairs that it decides and a person orders
    undecided_as_half: Share  # of the pairs that a person orders; what it does not decide counts half
    people: Share  # two people with each other, on the same pairs
    longer: Share  # the longer answer preferred; what it does not decide counts half
    people_longer: Share  # by people, on the same pairs
    own: Share  # its own model version's answer preferred to another's; what it does not decide counts half
    people_own: Share


class VersionRow(TypedDict):
    """What is known of a model version's answers in a round. None: nothing to count, or not asked for."""

    round: int | None
    model: str
    judged: int  # answers in rankings; one that three people ranked counts three times
    flags: dict[str, Share]  # by the flag's name: share of the judged answers that carry it
    thumbs: Share  # down, of all thumbs
    reasons: dict[str, int]  # given with thumbs down
    cut: Share | None
    characters: float | None  # mean length of the judged answers
    asks: Share  # of a sample of its texts: ends with a question
    refuses: Share  # of a sample of its texts: begins with a refusal
    worn: Share | None  # of the same sample: holds a phrase that it overuses; None without a baseline
    phrases: list[Phrase]
    phrasings: Share  # mean difference of grades between answers to two phrasings of one question
    same_prompt: Share  # the same between two answers to one phrasing
    sensitivity: Share  # the first less the second


class Phrase(TypedDict):
    """A run of words that is overused: the share of answers that hold it, and of the baseline's."""

    words: str
    share: float
    baseline: float


class RoundsData(TypedDict):
    """Everything that the page of a project's rounds says."""

    shape: int
    rounds: list[RoundRow]
    rewards: list[RewardRow]
    judges: list[JudgeRow]
    versions: list[VersionRow]
    baseline: str  # what phrases are held against, in words; empty where there is nothing
    as_of: NotRequired[str]
