"""A reviewer's own order in the place of votes that disagree: on its page, on record and in exports."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, User
from insights import reports
from labeling.errors import Conflict, Invalid
from labeling.models import Comparison, Project, Ranking, Review, ReviewItem
from labeling.quality import adjudication, decisions
from tests import makers
from tests.labeling.makers import undo
from tests.labeling.review_queue import only

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def disputed(project: Project, alice: User, bob: User) -> Comparison:
    """Two votes that contradict each other, both in the queue."""
    project.adaptive_overlap = False
    only(project, low_agreement=True)
    comparison = makers.make_comparison(project, votes=2)
    makers.make_ranking(comparison, alice)
    makers.make_ranking(comparison, bob, groups=[[3], [2], [1], [0]])
    return comparison


def fields(*places: int) -> dict[str, int]:
    """What the workbench sends."""
    sent = {f"place-{letter}": place for letter, place in zip("ABCD", places, strict=True)}
    return sent | {f"read-{letter}": 2 for letter in "ABCD"}


def give(comparison: Comparison, reviewer: User, *, reverse_: bool = False) -> Ranking:
    first = comparison.rankings.get(trainer__username="alice")
    groups = first.groups[::-1] if reverse_ else first.groups
    return adjudication.adjudicate(
        comparison=comparison, reviewer=reviewer, order_shown=first.order_shown, groups=groups
    )


def test_all_orders_stand_side_by_side_and_the_reviewers_own_becomes_the_gold_one(
    client: Client, project: Project, disputed: Comparison, rita: User
) -> None:
    client.force_login(rita)
    queue = client.get(reverse("review-queue", args=[project.slug])).content.decode()
    address = reverse("adjudicate", args=[disputed.pk])
    assert address in queue
    html = client.get(address).content.decode()
    assert html.count('<th scope="col">') == 3
    start = disputed.rankings.get(trainer__username="bob")
    begun = client.get(f"{address}?from={start.pk}").content.decode()
    assert begun.count('max="4" id="place-') == 4
    answer = client.post(f"{address}?from={start.pk}", fields(2, 1, 3, 3), headers=HTMX)
    assert answer.headers["HX-Redirect"] == reverse("review-queue", args=[project.slug])
    gold = Ranking.objects.get(kind="gold")
    a, b, c, d = start.order_shown
    assert gold.groups == [[b], [a], sorted([c, d])]
    assert (gold.trainer, gold.assignment, gold.order_shown) == (rita, None, start.order_shown)
    assert set(Review.objects.values_list("decision", flat=True)) == {"edited"}
    assert Review.objects.count() == 2
    assert not ReviewItem.objects.waiting().exists()
    assert AuditEntry.objects.filter(action="ranking.gold").exists()


def test_what_cannot_be_stored_is_said_with_what_was_sent_still_there(
    client: Client, disputed: Comparison, rita: User
) -> None:
    client.force_login(rita)
    answer = client.post(reverse("adjudicate", args=[disputed.pk]), {"read-A": 3, "place-A": 1})
    assert answer.status_code == 422
    assert "Every completion needs a place" in answer.content.decode()
    sent = fields(1, 2, 3, 4) | {"rating-A": 1, "rating-B": 7}
    question = client.post(reverse("adjudicate", args=[disputed.pk]), sent)
    assert "do not agree" in question.content.decode()
    assert client.post(reverse("adjudicate", args=[disputed.pk]), sent | {"confirmed": 1}).status_code == 302
    assert Ranking.objects.get(kind="gold").contradiction_confirmed


def test_nobody_decides_between_their_own_vote_and_others(
    client: Client, project: Project, disputed: Comparison, alice: User, rita: User
) -> None:
    from labeling import projects

    projects.set_membership(project=project, user=alice, role="reviewer")
    with pytest.raises(Invalid, match="own work"):
        give(disputed, alice)
    half = makers.make_comparison(project, votes=2)
    first = makers.make_ranking(half, alice)
    with pytest.raises(Invalid, match="still rank"):
        adjudication.adjudicate(comparison=half, reviewer=rita, order_shown=first.order_shown, groups=first.groups)
    client.force_login(rita)
    assert client.get(reverse("adjudicate", args=[half.pk]))["Location"] == f"/review/rankings/{first.pk}/"
    nobody = makers.make_comparison(project)
    assert client.get(reverse("adjudicate", args=[nobody.pk])).status_code == 404


def test_a_gold_order_is_taken_back_with_its_decisions_and_a_new_one_sets_it_aside(
    project: Project, disputed: Comparison, rita: User, mona: User
) -> None:
    first = give(disputed, rita)
    second = give(disputed, mona, reverse_=True)
    assert adjudication.gold_of(disputed) == second
    first.refresh_from_db()
    assert first.undone_at
    decisions.undo_last(project=project, reviewer=mona)
    assert adjudication.gold_of(disputed) == first
    decisions.undo_last(project=project, reviewer=rita)
    assert ReviewItem.objects.waiting().count() == 2
    with pytest.raises(Exception, match="reviewer has looked"):
        undo(disputed.rankings.get(trainer__username="alice"))


def test_a_decision_stays_once_its_trainer_has_mended(project: Project, alice: User, rita: User) -> None:
    from labeling import corrections
    from labeling.quality import reviews

    ranking = makers.make_ranking(makers.make_comparison(project), alice)
    reviews.decide(reviewer=rita, decision="returned", ranking=ranking, comment="Look again.")
    corrections.mend_ranking(ranking=ranking, groups=ranking.groups[::-1])
    with pytest.raises(Conflict, match="new version"):
        decisions.undo_last(project=project, reviewer=rita)


def test_agreement_speaks_of_the_votes_and_not_of_the_gold_order(
    project: Project, disputed: Comparison, rita: User
) -> None:
    give(disputed, rita)
    reports.refresh(project)
    report = reports.insights_of(project, None)
    assert report is not None
    assert report["counts"]["rankings"] == 2
    assert report["agreement"]["between_trainers"]["tie_excluded"]["value"] == 0


def test_the_gold_order_that_another_replaced_stands_again_when_that_one_is_taken_back(
    project: Project, disputed: Comparison, rita: User
) -> None:
    ron = makers.make_member(project, "ron", role="reviewer")
    first, second = give(disputed, rita), give(disputed, ron, reverse_=True)
    assert adjudication.gold_of(disputed) == second
    decisions.undo_last(project=project, reviewer=ron)
    assert adjudication.gold_of(disputed) == first
    third = give(disputed, rita, reverse_=True)
    decisions.undo_last(project=project, reviewer=rita)
    assert adjudication.gold_of(disputed) == first != third
    assert Review.objects.in_force().filter(reviewer=rita).count() == 2
