"""Hidden items for tests: made, answered, and the settings that hand them out."""

from __future__ import annotations

from accounts.models import User
from labeling import corrections, leases, rankings
from labeling.models import Assignment, Comparison, Project, Ranking
from labeling.quality import hidden
from tests import makers


def settings_of(project: Project, **values: object) -> None:
    for name, value in values.items():
        setattr(project, name, value)
    project.save(update_fields=list(values))


def answer(assignment: Assignment, *, as_known: bool = True) -> Ranking:
    """Rank a hidden item as its original orders it, or the other way round."""
    known = assignment.comparison.known_groups
    assert known is not None
    groups = known if as_known else known[::-1]
    return rankings.submit_ranking(assignment=assignment, groups=groups, seconds=60)[0]


def make_original(
    project: Project, trainer: User, kind: str = "calibration", *, practice: bool = False, explanation: str = ""
) -> Comparison:
    ranking = makers.make_ranking(makers.make_comparison(project), trainer)
    return hidden.make_original(ranking=ranking, kind=kind, practice=practice, explanation=explanation)


def lease_next(project: Project, trainer: User) -> Assignment:
    """Where there is surely something to do."""
    assignment, _ = leases.lease_next(project=project, trainer=trainer)
    assert assignment is not None
    return assignment


def undo(ranking: Ranking) -> Assignment:
    assert ranking.assignment is not None
    return corrections.undo_ranking(assignment=ranking.assignment)
