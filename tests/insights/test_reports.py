"""Reports: what they say equals a plain recount; they follow every undo; strangers see none of it."""

from __future__ import annotations

import csv
import io
import itertools
import json
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from insights import facts, reports, sentences, tables, tasks
from insights.models import Judgement, Report
from labeling import comparisons, leases, preferences, projects
from labeling.models import Project, Ranking
from labeling.quality import reviews
from tests import makers
from tests.insights.makers import make_votes, multiply

pytestmark = pytest.mark.django_db


@pytest.fixture
def voted(project: Project, alice: User, bob: User):
    """Sixty comparisons judged twice: the second model is better, longer texts win a little more often."""
    models = [makers.make_model("old"), makers.make_model("new")]
    make_votes(
        project, [alice, bob], models, comparisons=60, votes=2, seed=1,
        score=lambda rng, model, length, place: 1.2 * model + 0.004 * length + rng.gumbel(),
    )  # fmt: skip
    return project


def recount(project: Project) -> tuple[float, float]:
    """Agreement and longer-wins share straight from the rankings, one pair at a time."""
    agreed = both = longer = unequal = 0
    by_comparison: dict = {}
    for ranking in Ranking.objects.filter(comparison__project=project).select_related("comparison"):
        by_comparison.setdefault(ranking.comparison_id, []).append(ranking)
    for rankings in by_comparison.values():
        lengths = {
            str(c.completion_id): len(c.completion.text)
            for c in rankings[0].comparison.candidates.select_related("completion")
        }
        for ranking in rankings:
            for chosen, rejected in preferences.strict_pairs(ranking.groups):
                unequal += lengths[chosen] != lengths[rejected]
                longer += lengths[chosen] > lengths[rejected]
        for one, other in itertools.combinations(rankings, 2):
            left, right = preferences.ranks(one.groups), preferences.ranks(other.groups)
            for a, b in itertools.combinations(sorted(left), 2):
                if left[a] != left[b] and right[a] != right[b]:
                    both += 1
                    agreed += (left[a] < left[b]) == (right[a] < right[b])
    return agreed / both, longer / unequal


def test_the_report_equals_a_plain_recount(voted) -> None:
    found = reports.insights_of(voted)
    agreed, longer = recount(voted)
    assert found["counts"]["rankings"] == 120
    assert found["counts"]["pairs"] == 720
    assert found["agreement"]["between_trainers"]["tie_excluded"]["value"] == pytest.approx(agreed, abs=1e-9)
    assert found["bias"]["longer_wins"]["value"] == pytest.approx(longer, abs=1e-9)
    assert found["agreement"]["length_baseline"]["value"] == pytest.approx(longer, abs=1e-9)
    assert [row["name"] for row in found["ratings"]["models"]] == ["new", "old"]
    assert found["ratings"]["models"][0]["elo"]["low"] > 1000
    assert [row["person"] for row in found["trainers"]] == ["alice", "bob"]
    assert sum(day["rankings"] for day in found["throughput"]) == 120
    json.dumps(found, allow_nan=False)


def test_the_judgements_follow_new_votes_undo_discard_mending_and_exclusion(
    project: Project, alice: User, bob: User, rita: User
) -> None:
    first = makers.make_ranking(makers.make_comparison(project), alice)
    second = makers.make_ranking(makers.make_comparison(project), bob)
    third = makers.make_ranking(makers.make_comparison(project), bob)
    fourth = makers.make_ranking(makers.make_comparison(project), bob)
    facts.catch_up(project)
    assert Judgement.objects.count() == 4
    comparisons.undo_ranking(assignment=first.assignment)
    comparisons.discard(comparison=second.comparison, reason="spam")
    reviews.decide(reviewer=rita, decision="returned", ranking=third, comment="Again, please.")
    mended = reviews.mend_ranking(ranking=third, groups=third.groups[::-1])
    reviews.decide(reviewer=rita, decision="excluded", ranking=fourth)
    facts.catch_up(project)
    assert list(Judgement.objects.values_list("ranking_id", flat=True)) == [mended.pk]
    assert facts.catch_up(project) == {}


def test_a_ranking_excluded_by_review_comes_back_when_it_is_accepted_later(
    project: Project, alice: User, rita: User
) -> None:
    ranking = makers.make_ranking(makers.make_comparison(project), alice)
    reviews.decide(reviewer=rita, decision="excluded", ranking=ranking)
    long_ago = timezone.now() - timedelta(days=9)
    Ranking.objects.filter(pk=ranking.pk).update(submitted_at=long_ago)
    assert facts.catch_up(project) == {}
    reviews.decide(reviewer=rita, decision="accepted", ranking=ranking)
    assert sum(facts.catch_up(project).values()) == 1


def test_a_fill_goes_on_over_many_batches(voted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "BATCH", 7)
    monkeypatch.setattr(facts, "LISTED", 25)
    assert sum(facts.catch_up(voted).values()) == 120
    assert Judgement.objects.count() == 120


def test_a_refresh_that_died_before_its_report_is_made_up_for(voted, monkeypatch: pytest.MonkeyPatch) -> None:
    reports.refresh(voted)
    comparisons.discard(comparison=voted.comparisons.first(), reason="spam")
    with monkeypatch.context() as broken:
        broken.setattr(reports, "build", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            reports.refresh(voted)
    assert reports.refresh(voted)
    assert reports.insights_of(voted)["counts"]["rankings"] == 118


def test_a_large_project_is_counted_by_the_worker_and_not_by_the_page(
    voted, mona: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "AT_ONCE", 10)
    client.force_login(mona)
    address = reverse("insights:project", args=[voted.slug])
    assert "being made" in client.get(address).content.decode()
    assert not Judgement.objects.exists()
    tasks.refresh()
    assert "as of" in client.get(address).content.decode()


def test_a_closed_round_without_news_is_not_counted_again(
    project: Project, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    makers.make_ranking(makers.make_comparison(project), alice)
    second = projects.open_round(project=project, policies=[(makers.make_model(), 1.0, {})])
    project.rounds.filter(number=1).update(closed_at=timezone.now() - timedelta(days=2))
    reports.refresh(project)
    made: list = []
    build = reports.build
    monkeypatch.setattr(reports, "build", lambda p, r, *rest: made.append(r) or build(p, r, *rest))
    makers.make_ranking(makers.make_comparison(project), alice)
    reports.refresh(project)
    assert made == [None, second]


def test_ties_grades_and_places_are_kept_as_numbers(project: Project, alice: User) -> None:
    comparison = makers.make_comparison(project, k=3)
    ids = [str(c.completion_id) for c in comparison.candidates.order_by("index")]
    ranking = makers.make_ranking(comparison, alice, groups=[[2], [0, 1]], ratings={ids[2]: 6})
    facts.catch_up(project)
    kept = Judgement.objects.get()
    assert kept.ranks == [1, 1, 0]
    assert kept.grades == [None, None, 6]
    assert kept.places == [ranking.order_shown.index(cid) for cid in ids]
    assert kept.lengths == [len(c.completion.text) for c in comparison.candidates.order_by("index")]


def test_a_reviewers_blind_vote_counts_as_trainer_and_reviewer_only(project: Project, alice: User, rita: User) -> None:
    ranking = makers.make_ranking(makers.make_comparison(project), alice)
    assignment = reviews.blind_vote(comparison=ranking.comparison, reviewer=rita)
    comparisons.submit_ranking(assignment=assignment, groups=ranking.groups)
    found = reports.insights_of(project)
    assert found["counts"]["rankings"] == 1
    assert found["agreement"]["between_trainers"]["rankings"] == 0
    assert found["agreement"]["trainer_and_reviewer"]["tie_excluded"]["value"] == 1


def test_an_empty_project_has_a_report_without_figures(project: Project, mona: User, client: Client) -> None:
    found = reports.insights_of(project)
    assert found["agreement"]["between_trainers"]["strict"]["value"] is None
    assert found["ratings"]["models"] == []
    client.force_login(mona)
    assert client.get(reverse("insights:project", args=[project.slug])).status_code == 200


def test_a_refresh_without_news_only_says_that_it_looked(voted) -> None:
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
    found = reports.insights_of(project, round_)
    against = found["ratings"]["new_against_previous"]
    assert (against["new"], against["previous"], against["value"]) == ("new", "old", 1.0)


def test_dashboards_are_for_managers_and_reviewers_of_the_project(
    voted, mona: User, rita: User, alice: User, client: Client
) -> None:
    addresses = [
        reverse("insights:project", args=[voted.slug]), reverse("insights:progress", args=[voted.slug]),
        reverse("insights:table", args=[voted.slug, "models"]),
    ]  # fmt: skip
    for user in (mona, rita):
        client.force_login(user)
        for address in addresses:
            assert client.get(address).status_code == 200
            assert client.post(address).status_code == 405
        assert client.get(addresses[0] + "?round=99").status_code == 404
        assert client.get(addresses[0] + "?round=x").status_code == 404
    walter = makers.make_member(makers.make_project("elsewhere"), "walter", role="manager")
    client.force_login(walter)
    assert {client.get(address).status_code for address in addresses} == {404}
    client.force_login(alice)
    assert all(client.get(address).status_code in (302, 404) for address in addresses)


def test_every_chart_has_its_table_and_every_table_its_csv(voted, mona: User, client: Client) -> None:
    client.force_login(mona)
    page = client.get(reverse("insights:project", args=[voted.slug])).content.decode()
    assert page.count('<svg class="dl-chart"') >= 4
    for name in tables.TABLES:
        answer = client.get(reverse("insights:table", args=[voted.slug, name]))
        assert answer["Content-Type"].startswith("text/csv")
        assert len(answer.content.decode().splitlines()) >= 1
    assert "old" in client.get(reverse("insights:table", args=[voted.slug, "models"])).content.decode()


def test_names_cannot_carry_a_formula_into_a_spreadsheet() -> None:
    names = ["=1+1", "+1+1", "-1+1", "@SUM(A1)", " =1", "\t=1"]
    told = tables.to_csv(tables.Table("t", ("name", "plain", "value"), [(name, "plain", -0.5) for name in names]))
    for name, row in zip(names, list(csv.reader(io.StringIO(told)))[1:], strict=True):
        assert row == [f"'{name}", "plain", "-0.5"]


def test_names_of_models_and_people_are_escaped_on_the_page(
    project: Project, alice: User, mona: User, client: Client
) -> None:
    models = [makers.make_model("<b>bold</b>"), makers.make_model("plain")]
    make_votes(project, [alice], models, comparisons=20)
    client.force_login(mona)
    assert "<b>bold" not in client.get(reverse("insights:project", args=[project.slug])).content.decode()


def test_edits_of_suggestions_are_measured_by_week(project: Project, alice: User) -> None:
    from labeling import dialogues

    dialogue = dialogues.start_dialogue(project=project, author=alice, kind="demonstration")
    dialogues.add_turn(dialogue=dialogue, role="user", text="What is rain?")
    [request] = dialogues.request_suggestions(dialogue=dialogue, role="assistant", n=1)
    [completion] = makers.answer(request, "abcd")
    dialogues.add_turn(
        dialogue=dialogue, role="assistant", text="abcx", completion=completion, suggestions_shown=[str(completion.pk)]
    )
    dialogues.submit_dialogue(dialogue=dialogue)
    [week] = reports.insights_of(project)["suggestions"]["by_week"]
    assert (week["verbatim"], week["edited"], week["own"], week["edit_ratio"]["value"]) == (0, 1, 1, 0.25)


def test_planted_haste_is_told_with_its_interval_and_what_to_do(project: Project, alice: User) -> None:
    models = [makers.make_model("a"), makers.make_model("b")]
    hurried = lambda rng, model, length, place: length + rng.gumbel()  # noqa: E731 - always the longer text
    make_votes(project, [alice], models, comparisons=40, score=hurried, seed=1)
    Ranking.objects.update(seconds=4)
    make_votes(project, [alice], models, comparisons=120, seed=2)  # these take 30 seconds and read
    found = reports.insights_of(project)
    speed = found["bias"]["speed"]
    assert speed["fast"] < speed["median"] == 30
    assert speed["longer_wins"]["quick"]["value"] > 0.95
    gap = speed["longer_wins"]["difference"]
    assert 0.3 < gap["low"] < gap["value"] < gap["high"] < 0.7
    assert speed["earlier_wins"]["difference"]["low"] < 0 < speed["earlier_wins"]["difference"]["high"]
    told = sentences.on_speed(found)
    assert "points (95% interval" in told
    assert "Who hurries goes by the longer text: review" in told


def test_a_report_of_another_shape_is_made_again(voted) -> None:
    reports.insights_of(voted)
    Report.objects.update(data={"shape": 1})
    assert reports.insights_of(voted)["counts"]["rankings"] == 120


def test_planted_position_bias_is_told_in_a_sentence(project: Project, alice: User) -> None:
    models = [makers.make_model("a"), makers.make_model("b")]
    make_votes(
        project, [alice], models, comparisons=200, score=lambda rng, model, length, place: rng.gumbel() - 0.6 * place
    )
    found = reports.insights_of(project)
    assert found["bias"]["position"]["p_value"] < 0.01
    assert "sways" in sentences.on_position(found)
    assert found["bias"]["effects"]["shown earlier"]["low"] > 0
    assert found["bias"]["earlier_wins"]["low"] > 0.5


def test_the_live_page_counts_what_waits_and_what_is_worked_on(
    project: Project, alice: User, mona: User, client: Client
) -> None:
    for _ in range(3):
        makers.make_comparison(project)
    leases.lease_next(project=project, trainer=alice)
    found = reports.progress_of(project)
    assert (found["ready"], found["leased"], found["people_at_work"]) == (2, 1, 1)
    client.force_login(mona)
    whole = client.get(reverse("insights:progress", args=[project.slug])).content.decode()
    part = client.get(
        reverse("insights:progress", args=[project.slug]), headers={"HX-Request": "true"}
    ).content.decode()
    assert "<html" in whole
    assert "<html" not in part


@pytest.mark.slow
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
    found = reports.insights_of(project)
    print(f"\n{found['counts']['pairs']:,} pairs: first {first:.1f} s, again {again:.1f} s, page {opened:.2f} s")
    assert found["counts"]["pairs"] > 1_000_000
    assert opened < 3
    assert first < 300
    assert again < 150  # beat asks every two minutes, and nothing may be older than five
