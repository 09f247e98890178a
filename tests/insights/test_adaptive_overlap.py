"""Votes that adaptive overlap asked for stay out of agreement, ratings and baselines; everything else counts them."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
from django.db import connection

from accounts.models import User
from insights.models import Judgement
from labeling import assignments, corrections
from labeling.models import Comparison, Project, Ranking
from labeling.quality import reviews
from tests import makers
from tests.exports.makers import export, given
from tests.insights.makers import report_of
from tests.labeling.makers import settings_of

pytestmark = pytest.mark.django_db
UP, DOWN = [[0], [1], [2], [3]], [[3], [2], [1], [0]]


@pytest.fixture
def contested(project: Project, alice: User, bob: User) -> Comparison:
    """Two agree on one comparison; two disagree on another, and two more are asked, who agree with the first."""
    settings_of(project, adaptive_overlap=True, adaptive_extra_votes=2)
    agreed = makers.make_comparison(project, votes=2)
    comparison = makers.make_comparison(project, votes=2)
    for trainer, groups in ((alice, UP), (bob, DOWN)):
        makers.make_ranking(agreed, trainer, groups=UP)
        makers.make_ranking(comparison, trainer, groups=groups)
    comparison.refresh_from_db()
    for name in ("carol", "dan"):
        makers.make_ranking(comparison, makers.make_member(project, name), groups=UP)
    return comparison


def marked(project: Project) -> set[str]:
    """Who gave a vote that is marked."""
    report_of(project)
    trainers = Judgement.objects.filter(project=project, extra=True).values("trainer_id")
    return set(User.objects.filter(pk__in=trainers).values_list("username", flat=True))


def test_agreement_ratings_and_baseline_are_those_of_the_votes_asked_for_at_first(
    project: Project, contested: Comparison
) -> None:
    assert marked(project) == {"carol", "dan"}
    found = report_of(project)
    trainers = found["agreement"]["between_trainers"]
    assert (trainers["rankings"], trainers["tie_excluded"]["value"]) == (2, 0.5)  # of all it would be 9 of 14 pairs
    assert found["agreement"]["by_round"][0]["value"] == 0.5
    assert found["agreement"]["fleiss_kappa"]["n"] == 12
    assert found["agreement"]["length_baseline"]["n"] <= 4 * 6
    assert sum(row["pairs"] for row in found["ratings"]["models"]) <= 2 * 4 * 6
    assert {row["person"] for row in found["trainers"]} == {"alice", "bob", "carol", "dan"}
    assert found["counts"]["rankings"] == 6


def test_the_manifest_of_an_export_says_the_same_and_the_bound_counts_all(
    project: Project, contested: Comparison, tmp_path: Path
) -> None:
    manifest = export(project, tmp_path / "all", "--config", "rankings")
    assert manifest["agreement"] == {"comparisons": 2, "pairs": 12, "strict": 0.5, "tie_discounted": 0.5}
    assert manifest["counts"]["rankings"] == 6
    bound = export(project, tmp_path / "bound", "--config", "rankings", "--min-agreement", "0.4")
    assert "agreement below the bound" not in bound["excluded"]  # half of the pairs of its four votes agree


def test_a_vote_that_was_undone_before_the_others_were_compared_makes_room_for_one_asked_at_first(
    project: Project, alice: User, bob: User
) -> None:
    settings_of(project, adaptive_overlap=True, adaptive_extra_votes=1)
    comparison = makers.make_comparison(project, votes=2)
    taken_back = given(makers.make_ranking(comparison, alice, groups=UP).assignment)
    corrections.undo_ranking(assignment=taken_back)
    assignments.skip(assignment=taken_back, reason="other")
    makers.make_ranking(comparison, bob, groups=UP)
    makers.make_ranking(comparison, makers.make_member(project, "carol"), groups=DOWN)
    comparison.refresh_from_db()
    makers.make_ranking(comparison, makers.make_member(project, "dan"), groups=DOWN)
    assert marked(project) == {"dan"}


def test_a_mended_vote_stays_what_it_was(project: Project, contested: Comparison, rita: User) -> None:
    first = Ranking.objects.get(comparison=contested, trainer__username="alice")
    reviews.decide(ranking=first, reviewer=rita, decision="returned", comment="Look again.")
    corrections.mend_ranking(ranking=first, groups=first.groups)
    assert marked(project) == {"carol", "dan"}


def test_the_migration_marks_what_was_counted_before(project: Project, contested: Comparison) -> None:
    assert marked(project) == {"carol", "dan"}
    Judgement.objects.update(extra=False)
    migration = import_module("insights.migrations.0004_votes_asked_for_by_adaptive_overlap")
    with connection.cursor() as cursor:
        cursor.execute(migration.MARK)
    assert marked(project) == {"carol", "dan"}
