"""How a trainer holds up against hidden items: calibration items over time, and repeats. Reads only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.stats.drift import Drift, cusum
from labeling import preferences
from labeling.models import Assignment, Comparison, Project, Ranking
from labeling.quality.rules import ExamRules

if TYPE_CHECKING:
    from accounts.models import User


def calibration_results(project: Project, trainer: User) -> list[float]:
    """Of every calibration item that this trainer ranked, in order of time: the share of its known pairs that are
    right, a tie being half."""
    rows = (
        Ranking.objects.in_force()
        .filter(trainer=trainer, comparison__project=project, comparison__kind=Comparison.Kind.CALIBRATION)
        .order_by("submitted_at")
        .values_list("groups", "comparison__known_groups")
    )
    shares = (preferences.known_share_right(groups, known or []) for groups, known in rows)
    return [share for share in shares if share is not None]


def drift_of(project: Project, trainer: User) -> Drift:
    rules = ExamRules.of(project.exam)
    return cusum(
        calibration_results(project, trainer), good=rules.good, failing=rules.failing, threshold=rules.threshold
    )


def intra_rater_pairs(project: Project, trainer: User) -> list[tuple[list[list[str]], list[list[str]]]]:
    """(first ranking, ranking of the repeat), with the repeat's completions named as in the first."""
    repeats = (
        Ranking.objects.in_force()
        .filter(trainer=trainer, comparison__project=project, comparison__kind=Comparison.Kind.REPEAT)
        .exclude(groups=[])
        .select_related("comparison__repeat_of")
    )
    found = []
    for again in repeats:
        original = again.comparison.repeat_of
        votes = Ranking.objects.in_force().filter(comparison=original, trainer=trainer, kind=Assignment.Kind.VOTE)
        first = votes.exclude(groups=[]).first()
        if first is None or original is None:
            continue
        texts = {text: cid for cid, text in original.texts.items()}
        names = {cid: texts[text] for cid, text in again.comparison.texts.items() if text in texts}
        if len(names) == len(texts):
            found.append((first.groups, [[names[cid] for cid in group] for group in again.groups]))
    return found
