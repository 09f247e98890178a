"""The compact rows follow every vote, undo, discard and review."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from insights import judgements
from insights.models import Judgement
from labeling import comparisons, corrections
from labeling.models import Project, Ranking
from labeling.quality import reviews
from tests import makers

pytestmark = pytest.mark.django_db


def changed_rows(project: Project) -> int:
    changed = judgements.catch_up(project)
    assert changed is not None
    return sum(changed.values())


def test_the_judgements_follow_new_votes_undo_discard_mending_and_exclusion(
    project: Project, alice: User, bob: User, rita: User
) -> None:
    first = makers.make_ranking(makers.make_comparison(project), alice)
    second = makers.make_ranking(makers.make_comparison(project), bob)
    third = makers.make_ranking(makers.make_comparison(project), bob)
    fourth = makers.make_ranking(makers.make_comparison(project), bob)
    judgements.catch_up(project)
    assert Judgement.objects.count() == 4
    assert first.assignment is not None
    corrections.undo_ranking(assignment=first.assignment)
    comparisons.discard(comparison=second.comparison, reason="spam")
    reviews.decide(reviewer=rita, decision="returned", ranking=third, comment="Again, please.")
    mended = corrections.mend_ranking(ranking=third, groups=third.groups[::-1])
    reviews.decide(reviewer=rita, decision="excluded", ranking=fourth)
    judgements.catch_up(project)
    assert list(Judgement.objects.values_list("ranking_id", flat=True)) == [mended.pk]
    assert judgements.catch_up(project) == {}


def test_a_ranking_excluded_by_review_comes_back_when_it_is_accepted_later(
    project: Project, alice: User, rita: User
) -> None:
    ranking = makers.make_ranking(makers.make_comparison(project), alice)
    reviews.decide(reviewer=rita, decision="excluded", ranking=ranking)
    long_ago = timezone.now() - timedelta(days=9)
    Ranking.objects.filter(pk=ranking.pk).update(submitted_at=long_ago)
    assert judgements.catch_up(project) == {}
    reviews.decide(reviewer=rita, decision="accepted", ranking=ranking)
    assert changed_rows(project) == 1


def test_a_fill_goes_on_over_many_batches(voted: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judgements, "BATCH", 7)
    monkeypatch.setattr(judgements, "LISTED", 25)
    assert changed_rows(voted) == 120
    assert Judgement.objects.count() == 120


def test_ties_grades_and_places_are_kept_as_numbers(project: Project, alice: User) -> None:
    comparison = makers.make_comparison(project, k=3)
    ids = [str(c.completion_id) for c in comparison.candidates.order_by("index")]
    ranking = makers.make_ranking(comparison, alice, groups=[[2], [0, 1]], ratings={ids[2]: 6})
    judgements.catch_up(project)
    kept = Judgement.objects.get()
    assert kept.ranks == [1, 1, 0]
    assert kept.grades == [None, None, 6]
    assert kept.places == [ranking.order_shown.index(cid) for cid in ids]
    assert kept.lengths == [len(c.completion.text) for c in comparison.candidates.order_by("index")]
