"""Comparisons from outside, and their end."""

from __future__ import annotations

import pytest

from accounts.models import User
from labeling import comparisons, rankings
from labeling.errors import Gone, Invalid
from labeling.models import Assignment, Comparison, Project
from tests import makers

pytestmark = pytest.mark.django_db


def singles(assignment: Assignment) -> list[list[str]]:
    return [[cid] for cid in sorted(assignment.order_shown)]


def test_own_completions_brought_twice_are_one_comparison(project: Project) -> None:
    prompt = [{"role": "user", "content": "Why?"}]
    texts = [{"text": "Because.", "model_version": "m"}, {"text": "Why not?", "model_version": ""}]
    first, created = comparisons.bring(project=project, prompt=prompt, completions=texts)
    again, created_again = comparisons.bring(project=project, prompt=prompt, completions=texts[::-1])
    assert (first, created, created_again) == (again, True, False)
    with pytest.raises(Invalid, match="equal"):
        comparisons.bring(project=project, prompt=prompt, completions=[{"text": "a"}, {"text": " a "}])


def test_a_discarded_comparison_takes_no_more_work(project: Project, alice: User) -> None:
    comparison = makers.make_comparison(project)
    assignment = makers.make_lease(comparison, alice)
    assert comparisons.discard(comparison=comparison, reason="Withdrawn.")
    with pytest.raises(Gone):
        rankings.submit_ranking(assignment=assignment, groups=singles(assignment))
    assert Comparison.objects.get().discard_reason == "Withdrawn."
