"""What the ranking page offers to take back is what can be taken back, also after a skip or a reload."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from labeling import assignments, corrections, projects
from labeling.errors import Gone
from labeling.models import Project, Ranking
from labeling.quality import reviews
from tests import makers

pytestmark = pytest.mark.django_db


def test_the_last_ranking_is_offered_until_it_cannot_be_taken_back(
    project: Project, alice: User, bob: User, rita: User
) -> None:
    first, second = (makers.make_ranking(makers.make_comparison(project), alice) for _ in range(2))
    makers.make_ranking(makers.make_comparison(project), bob)

    def offered() -> object:
        return corrections.to_take_back(project=project, trainer=alice)

    assert offered() == second.assignment
    reviews.decide(reviewer=rita, decision="accepted", ranking=second)
    assert second.assignment is not None
    assert first.assignment is not None
    with pytest.raises(Gone):
        corrections.undo_ranking(assignment=second.assignment)
    assert offered() == first.assignment
    corrections.undo_ranking(assignment=first.assignment)
    assert offered() is None
    late = makers.make_ranking(makers.make_comparison(project), alice)
    assert offered() == late.assignment
    Ranking.objects.filter(pk=late.pk).update(submitted_at=timezone.now() - timedelta(minutes=project.undo_minutes + 1))
    assert offered() is None


def test_after_a_reload_and_after_a_skip_the_page_still_has_the_key(
    project: Project, alice: User, client: Client
) -> None:
    client.force_login(alice)
    sent = makers.make_ranking(makers.make_comparison(project), alice)
    undo = f'action="/ranking/{sent.assignment_id}/undo/"'
    task = makers.make_lease(makers.make_comparison(project), alice)
    makers.make_comparison(project)
    page = client.get(f"/ranking/{task.pk}/").content.decode()
    assert undo in page
    assert 'data-key="u"' in page
    assert "Ranking submitted." not in page
    skipped = client.post(f"/ranking/{task.pk}/skip/", {"skip_reason": "too hard"}, follow=True).content.decode()
    assert "Skipped." in skipped
    assert undo in skipped
    assignments.skip(assignment=makers.make_lease(makers.make_comparison(project), alice), reason="too hard")
    just = client.get(
        f"/ranking/{makers.make_lease(makers.make_comparison(project), alice).pk}/?after={sent.assignment_id}"
    )
    assert just.content.decode().count(undo) == 1
    assert "Ranking submitted." in just.content.decode()


@pytest.mark.parametrize("became", ["reviewed", "late", "taken back"])
@pytest.mark.parametrize("page", ["ranking", "nothing", "agree"])
def test_the_address_of_the_next_task_offers_nothing_that_would_be_refused(
    project: Project, alice: User, rita: User, client: Client, became: str, page: str
) -> None:
    """`?after=` stays in the address bar: the page may be reloaded, or opened again, long after."""
    client.force_login(alice)
    sent = makers.make_ranking(makers.make_comparison(project), alice)
    assert sent.assignment is not None
    task = makers.make_lease(makers.make_comparison(project), alice)
    if page == "agree":
        projects.publish_guidelines(project=project, text="Be short.", by=rita)
    path = f"/ranking/{task.pk}/" if page == "ranking" else f"/projects/{project.slug}/{page}/"
    address = f"{path}?after={sent.assignment_id}"
    assert "Ranking submitted." in client.get(address).content.decode()
    if became == "reviewed":
        reviews.decide(reviewer=rita, decision="accepted", ranking=sent)
    elif became == "late":
        long_ago = timezone.now() - timedelta(minutes=project.undo_minutes + 1)
        Ranking.objects.filter(pk=sent.pk).update(submitted_at=long_ago)
    else:
        corrections.undo_ranking(assignment=sent.assignment)
    said = client.get(address).content.decode()
    assert "Ranking submitted." not in said
    assert f"/ranking/{sent.assignment_id}/undo/" not in said


def test_where_nothing_can_be_taken_back_the_page_says_that_it_was_sent_and_no_more(
    project: Project, alice: User, client: Client
) -> None:
    projects.change_settings(project=project, undo_minutes=0)
    client.force_login(alice)
    sent = makers.make_ranking(makers.make_comparison(project), alice)
    said = client.get(f"/projects/{project.slug}/nothing/?after={sent.assignment_id}").content.decode()
    assert "Ranking submitted." in said
    assert "/undo/" not in said
