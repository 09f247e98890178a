"""What a round has to show before the loop may say that the policy became better. Pure; fixed before any run.

Each is a bound that a run can miss: with chosen and rejected exchanged, or with a policy of nonsense that has no
commas, some do not hold.
"""

from __future__ import annotations

from dataclasses import dataclass

from common.shapes import JsonObject

ACCURACY, PAIRS = 0.90, 200  # of the reward model, on held-out pairs
WIN_FIRST, WIN_LATER, WIN_BEST_OF_N = 0.6, 0.5, 0.55  # lower end of the interval
SHORTER, LONGER = 0.6, 1.3  # times the first policy's mean answer
KL = 6.0  # nats an answer, from the first policy
PERPLEXITY = 1.5  # times that of the first policy's own answers, under the first policy


@dataclass(frozen=True)
class Figures:
    """What is looked at of a round; all on held-out topics."""

    round: int
    train: str
    rm_accuracy: float | None
    rm_pairs: int
    win_low: float | None
    characters: float | None
    first_characters: float | None  # of the first policy, in round 1
    keeps_length: bool
    kl: float | None
    ended: float | None
    ended_before: float | None
    perplexity: float | None
    first_perplexity: float | None


@dataclass(frozen=True)
class Check:
    words: str
    value: float | None
    bound: str
    holds: bool

    def plain(self) -> JsonObject:
        return {"check": self.words, "value": self.value, "bound": self.bound, "holds": self.holds}


def checks(f: Figures) -> list[Check]:
    """All of a round. A figure that is not there does not hold."""
    win = WIN_LATER if f.round > 1 else WIN_FIRST if f.train == "ppo" else WIN_BEST_OF_N
    ratio = None if f.characters is None or not f.first_characters else round(f.characters / f.first_characters, 3)
    found = [
        _at_least("held-out pairs that the reward model orders as the rule does", f.rm_accuracy, ACCURACY),
        _at_least("held-out pairs", float(f.rm_pairs), PAIRS),
        Check("new policy preferred, lower end", f.win_low, f"> {win}", f.win_low is not None and f.win_low > win),
        _at_most("KL from the first policy, nats an answer", f.kl, KL),
        _at_least("share of answers that ended", f.ended, f.ended_before),
        _at_most(
            "perplexity under the first policy", f.perplexity,
            None if f.first_perplexity is None else round(PERPLEXITY * f.first_perplexity, 2),
        ),
    ]  # fmt: skip
    if f.keeps_length:
        within = ratio is not None and SHORTER <= ratio <= LONGER
        found.append(Check("length, times the first policy's", ratio, f"{SHORTER} to {LONGER}", within))
    return found


def _at_least(words: str, value: float | None, bound: float | None) -> Check:
    return Check(words, value, f">= {bound}", value is not None and bound is not None and value >= bound)


def _at_most(words: str, value: float | None, bound: float | None) -> Check:
    return Check(words, value, f"<= {bound}", value is not None and bound is not None and value <= bound)
