"""Reports: what they say equals a plain recount, and they are made again when there is news."""

from __future__ import annotations

import itertools
import json
from datetime import timedelta
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from scipy.stats import kendalltau

from accounts.models import User
from insights import report_parts, reports
from insights.judgement_arrays import Data
from insights.models import Report
from insights.report_types import ReportData
from labeling import comparisons, preferences, projects, rankings
from labeling.models import Project, Ranking, Round
from labeling.quality import reviews
from tests import makers
from tests.insights.makers import make_votes, multiply, report_of, whole

pytestmark = pytest.mark.django_db


def recount(project: Project) -> tuple[float, float]:
    """Agreement and longer-wins share straight from the rankings, one pair at a time."""
    agreed = both = longer = unequal = 0
    by_comparison: dict[UUID, list[Ranking]] = {}
    for ranking in Ranking.objects.filter(comparison__project=project).select_related("comparison"):
        by_comparison.setdefault(ranking.comparison_id, []).append(ranking)
    for votes in by_comparison.values():
        lengths = {
            str(c.completion_id): len(c.completion.text)
            for c in votes[0].comparison.candidates.select_related("completion")
        }
        for ranking in votes:
            for chosen, rejected in preferences.strict_pairs(ranking.groups):
                unequal += lengths[chosen] != lengths[rejected]
                longer += lengths[chosen] > lengths[rejected]
        for one, other in itertools.combinations(votes, 2):
            left, right = preferences.ranks(one.groups), preferences.ranks(other.groups)
            for a, b in itertools.combinations(sorted(left), 2):
                if left[a] != left[b] and right[a] != right[b]:
                    both += 1
                    agreed += (left[a] < left[b]) == (right[a] < right[b])
    return agreed / both, longer / unequal


def test_the_report_equals_a_plain_recount(voted: Project) -> None:
    found = report_of(voted)
    agreed, longer = recount(voted)
    assert found["counts"]["rankings"] == 120
    assert found["counts"]["pairs"] == 720
    assert found["agreement"]["between_trainers"]["tie_excluded"]["value"] == pytest.approx(agreed, abs=1e-9)
    assert found["bias"]["longer_wins"]["value"] == pytest.approx(longer, abs=1e-9)
    assert found["agreement"]["length_baseline"]["value"] == pytest.approx(longer, abs=1e-9)
    assert [row["name"] for row in found["ratings"]["models"]] == ["new", "old"]
    assert whole(found["ratings"]["models"][0]["elo"]).low > 1000
    assert [row["person"] for row in found["trainers"]] == ["alice", "bob"]
    assert sum(day["rankings"] for day in found["throughput"]) == 120
    json.dumps(found, allow_nan=False)


def test_tau_b_is_the_mean_over_pairs_of_rankings_but_those_that_tie_everything(
    project: Project, alice: User, bob: User
) -> None:
    orders = [([[0], [1, 2], [3]], [[1], [0], [2], [3]]), ([[3], [0, 1], [2]], [[0, 1, 2, 3]]), ([[2, 3], [0, 1]],) * 2]
    taus = []
    for several in orders:
        comparison = makers.make_comparison(project, votes=2)
        for trainer, groups in zip((alice, bob), several, strict=True):
            makers.make_ranking(comparison, trainer, groups=groups)
        one, other = ({at: n for n, group in enumerate(groups) for at in group} for groups in several)
        taus.append(kendalltau([one[at] for at in range(4)], [other[at] for at in range(4)]).statistic)
    told = [tau for tau in taus if tau == tau]
    assert len(told) == 2
    assert report_of(project)["agreement"]["tau_b"]["value"] == pytest.approx(sum(told) / 2)


def test_a_refresh_that_died_before_its_report_is_made_up_for(voted: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    reports.refresh(voted)
    comparisons.discard(comparison=voted.comparisons.all()[0], reason="spam")
    with monkeypatch.context() as broken:
        broken.setattr(reports, "build", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            reports.refresh(voted)
    assert reports.refresh(voted)
    assert report_of(voted)["counts"]["rankings"] == 118


def test_a_closed_round_without_news_is_not_counted_again(
    project: Project, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    makers.make_ranking(makers.make_comparison(project), alice)
    second = projects.open_round(project=project, policies=[(makers.make_model(), 1.0, {})])
    project.rounds.filter(number=1).update(closed_at=timezone.now() - timedelta(days=2))
    reports.refresh(project)
    made: list[Round | None] = []

    def build(project: Project, round_: Round | None, data: Data, names: dict[int, str]) -> ReportData:
        made.append(round_)
        return report_parts.build(project, round_, data, names)

    monkeypatch.setattr(reports, "build", build)
    makers.make_ranking(makers.make_comparison(project), alice)
    reports.refresh(project)
    assert made == [None, second]


def test_a_reviewers_blind_vote_counts_as_trainer_and_reviewer_only(project: Project, alice: User, rita: User) -> None:
    ranking = makers.make_ranking(makers.make_comparison(project), alice)
    assignment = reviews.blind_vote(comparison=ranking.comparison, reviewer=rita)
    rankings.submit_ranking(assignment=assignment, groups=ranking.groups)
    found = report_of(project)
    assert found["counts"]["rankings"] == 1
    assert found["agreement"]["between_trainers"]["rankings"] == 0
    assert found["agreement"]["trainer_and_reviewer"]["tie_excluded"]["value"] == 1


def test_a_refresh_without_news_only_says_that_it_looked(voted: Project) -> None:
    assert reports.refresh(voted)
    before = Report.objects.get(project=voted, round=None)
    assert not reports.refresh(voted)
    after = Report.objects.get(project=voted, round=None)
    assert after.as_of > before.as_of
    assert after.data == before.data


def test_rounds_have_reports_of_their_own_with_new_against_previous(project: Project, alice: User) -> None:
    old = makers.make_model("old")
    new = makers.make_model("new", parent=old)
    round_ = projects.open_round(project=project, policies=[(old, 1.0, {}), (new, 1.0, {})])
    project.rounds.exclude(pk=round_.pk).delete()
    make_votes(
        project, [alice], [old, new], comparisons=30, score=lambda rng, model, length, place: model + rng.random()
    )
    found = report_of(project, round_)
    against = found["ratings"]["new_against_previous"]
    assert against is not None
    assert (against["new"], against["previous"], against["value"]) == ("new", "old", 1.0)


def test_a_report_of_another_shape_is_made_again(voted: Project) -> None:
    report_of(voted)
    Report.objects.update(data={"shape": 1})
    assert report_of(voted)["counts"]["rankings"] == 120


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.timeout(900)
def test_a_million_pairs_are_counted_within_minutes_and_open_at_once(
    project: Project, alice: User, bob: User, mona: User, client: Client
) -> None:
    import time

    models = [makers.make_model(f"m{n}") for n in range(4)]
    people = [alice, bob, *(makers.make_member(project, f"t{n}") for n in range(8))]
    make_votes(project, people, models, comparisons=1300, seed=2)
    make_votes(project, people, models, comparisons=200, votes=2, seed=3)
    multiply(project, 99)
    started = time.monotonic()
    assert reports.refresh(project)
    first = time.monotonic() - started
    makers.make_ranking(makers.make_comparison(project), alice)
    started = time.monotonic()
    reports.refresh(project)
    again = time.monotonic() - started
    client.force_login(mona)
    started = time.monotonic()
    assert client.get(reverse("insights:project", args=[project.slug])).status_code == 200
    opened = time.monotonic() - started
    found = report_of(project)
    print(f"\n{found['counts']['pairs']:,} pairs: first {first:.1f} s, again {again:.1f} s, page {opened:.2f} s")
    assert found["counts"]["pairs"] > 1_000_000
    assert opened < 3
    assert first < 300
    assert again < 150  # beat asks every two minutes, and nothing may be older than five
