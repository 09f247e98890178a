"""A trainer's pages on returned work and practice."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from labeling.models import Project, Ranking
from labeling.quality import hidden, reviews
from tests import makers

pytestmark = pytest.mark.django_db


@pytest.fixture
def returned(project: Project, alice: User, rita: User) -> Ranking:
    ranking = makers.make_ranking(makers.make_comparison(project), alice)
    reviews.decide(reviewer=rita, decision="returned", ranking=ranking, comment="C invents a date.")
    return ranking


def test_a_returned_ranking_is_on_the_home_page_and_mended_without_javascript(
    returned: Ranking, alice: User, client: Client
) -> None:
    client.force_login(alice)
    address = reverse("returned-ranking", args=[returned.pk])
    assert address in client.get(reverse("home")).content.decode()
    page = client.get(address).content.decode()
    assert "C invents a date." in page
    ids = returned.order_shown
    places = {f"place-{cid}": n for n, cid in enumerate(ids, start=1)}
    ratings = {f"rating-{ids[0]}": 2, f"rating-{ids[1]}": 6}
    asked = client.post(address, places | ratings)
    assert asked.status_code == 422
    assert "This is what I mean" in asked.content.decode()
    assert client.post(address, places | ratings | {"confirmed": "1"}).status_code == 302
    mended = Ranking.objects.in_force().get(comparison=returned.comparison)
    assert mended.groups == [[cid] for cid in ids]
    assert "Nothing is left for you to do here." in client.get(address).content.decode()


def test_a_wrong_place_on_the_mending_page_is_named_and_the_rest_kept(
    returned: Ranking, alice: User, client: Client
) -> None:
    client.force_login(alice)
    first, *others = returned.order_shown
    sent = {f"place-{first}": "9", "note": "as I said"} | {f"place-{cid}": "1" for cid in others}
    answer = client.post(reverse("returned-ranking", args=[returned.pk]), sent)
    assert answer.status_code == 422
    assert "A place is a whole number from 1 to 4" in answer.content.decode()
    assert "as I said" in answer.content.decode()


def test_returned_work_is_its_trainers_alone(returned: Ranking, bob: User, mona: User, client: Client) -> None:
    for user in (bob, mona):
        client.force_login(user)
        assert client.get(reverse("returned-ranking", args=[returned.pk])).status_code == 404


def test_a_returned_dialogue_opens_as_a_draft(
    project: Project, alice: User, rita: User, bob: User, client: Client
) -> None:
    demonstration = makers.make_demonstration(project, alice)
    reviews.decide(reviewer=rita, decision="returned", dialogue=demonstration, comment="Shorter.")
    client.force_login(bob)
    assert client.post(reverse("mend-dialogue", args=[demonstration.pk])).status_code == 404
    client.force_login(alice)
    answer = client.post(reverse("mend-dialogue", args=[demonstration.pk]))
    demonstration.refresh_from_db()
    assert answer["Location"] == reverse("dialogue", args=[demonstration.superseded_by.pk])


def test_practice_shows_the_expected_order_and_why_only_afterwards(
    project: Project, alice: User, bob: User, guest: User, client: Client
) -> None:
    ranking = makers.make_ranking(makers.make_comparison(project), bob)
    hidden.make_original(ranking=ranking, kind="exam", explanation="B answers, the others do not.", practice=True)
    client.force_login(alice)
    page = reverse("practice", args=[project.slug])
    assert "B answers" not in client.get(page).content.decode()
    lease = client.post(reverse("practise", args=[project.slug]))["Location"]
    assert client.post(reverse("practise", args=[project.slug]))["Location"] == lease
    shown = client.get(lease).content.decode()
    assert "B answers" not in shown
    assignment = alice.assignments.get()
    client.post(lease, {f"place-{cid}": n for n, cid in enumerate(assignment.order_shown, start=1)})
    after = client.get(page).content.decode()
    assert "B answers, the others do not." in after
    assert "of 6 pairs" in after
    client.force_login(guest)
    assert client.post(reverse("practise", args=[project.slug])).status_code == 404
