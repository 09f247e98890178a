"""What a report holds: the dictionaries that are kept as JSON, shown on the dashboards and given over the API."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from common.stats.intervals import Estimate


class Interval(TypedDict):
    """A number with its 95% interval; None where there is too little to say."""

    value: float | None
    low: float | None
    high: float | None


class Share(Interval):
    """An interval over clusters (prompts, dialogues) of `n` observations."""

    clusters: int
    n: float


def share(found: Estimate) -> Share:
    return {"value": found.value, "low": found.low, "high": found.high, "clusters": found.clusters, "n": found.n}


class Counts(TypedDict):
    rankings: int
    pairs: int
    strict_pairs: int
    tied_pairs: int
    prompts: int
    trainers: int
    not_rankable: int


class PairReadings(TypedDict):
    """Three readings of how two people agree on the same pairs."""

    strict: Share
    tie_discounted: Share
    tie_excluded: Share


class GroupAgreement(PairReadings):
    rankings: int


class CoupleAgreement(PairReadings):
    """Of two people."""

    a: str
    b: str
    pairs: int


class Band(Interval):
    """What others published."""

    who: str


class RoundAgreement(Share):
    round: int


class Agreement(TypedDict):
    between_trainers: GroupAgreement
    trainer_and_reviewer: GroupAgreement
    tau_b: Share
    alpha_order_nominal: Share
    alpha_order_ordinal: Share
    alpha_grades_interval: Share
    fleiss_kappa: Share
    length_baseline: Share
    published: list[Band]
    votes_for_90_percent: int | None
    by_pair_of_people: list[CoupleAgreement]
    by_person: dict[str, Share]
    by_round: list[RoundAgreement]


class SelfAgreement(Share):
    """Of a trainer with the same trainer's earlier ranking."""

    person: str
    repeats: int


class ModelRating(TypedDict):
    name: str
    pairs: int
    win_rate: float
    bradley_terry: Interval
    elo: Interval
    davidson: Interval
    plackett_luce: Interval | None
    style_held_equal: Interval


class WinRate(TypedDict):
    name: str
    against: str
    points: float
    pairs: int


class Duel(Share):
    """The newest model version against the one before it."""

    new: str
    previous: str


class Ratings(TypedDict):
    models: list[ModelRating]
    effects: dict[str, Interval]
    ties: float | None
    luce_rankings: int
    matrix: list[WinRate]
    new_against_previous: Duel | None


class Positions(TypedDict):
    """First places by place on the screen, against chance."""

    wins: list[float]
    exposures: list[int]
    expected: list[float]
    chi_square: float | None
    degrees: int
    p_value: float | None


class Haste(TypedDict):
    """A leaning of the quickest quarter of the rankings, of the others, and the difference."""

    quick: Share
    others: Share
    difference: Share


class Speed(TypedDict):
    median: float | None
    fast: float | None
    slow: float | None
    longer_wins: Haste | None
    earlier_wins: Haste | None


class Bias(TypedDict):
    longer_wins: Share
    pairs_of_matched_length: int
    earlier_wins: Share
    position: Positions
    effects: dict[str, Interval]
    speed: Speed


class Origins(TypedDict):
    """Turns of demonstrations by where their text came from."""

    verbatim: int
    edited: int
    own: int


class WeekOrigins(Origins):
    week: str
    verbatim_share: Share
    edit_ratio: Share


class PersonOrigins(Origins):
    person: str


class SuggestionUse(TypedDict):
    verbatim: Share
    edit_ratio: Share
    since_first_week: Share | None
    by_week: list[WeekOrigins]
    by_person: list[PersonOrigins]


class TrainerRow(TypedDict):
    person: str
    rankings: int
    share: float
    share_interval: list[float]
    median_seconds: float | None
    agreement: Share | None
    calibration_items: int
    calibration_right: float | None
    drift_score: float | None
    drift_threshold: float | None
    drift_alarm: bool
    drift_path: list[float]


class Day(TypedDict):
    day: str
    rankings: int
    dialogues: int


TOO_MANY_CUT = 0.05  # of a model version's answers in a round


class CutShare(TypedDict):
    """Of a model version in a round: answers, and those of them that were cut at their limit."""

    round: int | None
    model: str
    answers: int
    cut: int
    share: float


class ReportData(TypedDict):
    """Everything that the dashboard of a project, or of one of its rounds, says."""

    shape: int
    project: str
    round: int | None
    counts: Counts
    agreement: Agreement
    intra_rater: list[SelfAgreement]
    ratings: Ratings
    bias: Bias
    cut: list[CutShare]
    suggestions: SuggestionUse
    trainers: list[TrainerRow]
    throughput: list[Day]
    as_of: NotRequired[str]  # said with a kept report, not stored in it
