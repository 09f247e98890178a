"""A project's rules of review and of its entry exam, as typed values with defaults. Pure.

They are kept as JSON on the project (`review_rules`, `exam`); what is missing there has the default here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Self

from common.stats import drift

if TYPE_CHECKING:
    from common.shapes import Json


@dataclass(frozen=True)
class _FromJson:
    @classmethod
    def of(cls, stored: Mapping[str, object] | None) -> Self:
        names = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in (stored or {}).items() if name in names})

    def as_json(self) -> dict[str, Json]:
        return asdict(self)


@dataclass(frozen=True)
class ReviewRules(_FromJson):
    """Which finished work a reviewer is asked to look at; 0 switches a rule off."""

    random_share: float = 0.05
    low_agreement: bool = True  # tau-b with another vote under the project's bound
    fast_seconds: int = 15
    contradictions: bool = True
    verbatim_share: float = 0.9  # of assistant turns taken over as the model wrote them
    new_trainer: int = 10  # first pieces of work of each trainer


@dataclass(frozen=True)
class ExamRules(_FromJson):
    """What a newcomer has to show; the marks are InstructGPT's soft cut-offs (arXiv 2203.02155, appendix B.1)."""

    required: bool = False
    items: int = 5  # exam comparisons to rank
    pass_pairs: float = 0.75  # share of pairs with a known order that were ordered so
    demonstrations: int = 0  # demonstrations to write, graded 1-7 by a reviewer
    pass_grade: float = 6.0
    attempts: int = 2
    good: float = drift.GOOD  # drift alarm: calibration pairs right of a good trainer,
    failing: float = drift.FAILING  # of a failing one,
    threshold: float = drift.THRESHOLD  # and the evidence that rings it
