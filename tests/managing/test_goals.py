"""Goals on the manager's pages: with the form of a round, on the round's own page, and on the project's."""

from __future__ import annotations

from django.test import Client

from accounts.models import AuditEntry, User
from labeling.models import Project
from tests import makers

SITE = "/manage/projects/demo/"


def test_goals_come_with_a_round_are_shown_and_changed(
    client: Client, project: Project, mona: User, alice: User
) -> None:
    client.force_login(mona)
    model = makers.make_model()
    assert "Goals of round" not in client.get(SITE).content.decode()
    client.post(f"{SITE}rounds/new/", {f"m-{model.slug}-weight": "1", "goal_rankings": "8", "share_rankings": "4"})
    makers.make_ranking(makers.make_comparison(project, votes=2), alice)
    page = client.get(SITE).content.decode()
    assert "Goals of round 2" in page
    assert "1 of 8 rankings" in page
    assert "At this pace it is reached on" in page
    page = client.get(f"{SITE}rounds/2/").content.decode()
    assert '<th scope="row">alice</th>' in page
    assert 'value="8"' in page
    client.post(f"{SITE}rounds/2/", {"goal_rankings": "", "share_rankings": "1"})
    page = client.get(f"{SITE}rounds/2/").content.decode()
    assert "1 of 8" not in page
    assert "reached" in page
    assert "Goals of round" not in client.get(SITE).content.decode()
    assert AuditEntry.objects.filter(action="round.goals").count() == 1


def test_a_number_that_is_none_is_said_at_its_field(client: Client, project: Project, mona: User) -> None:
    client.force_login(mona)
    answer = client.post(f"{SITE}rounds/1/", {"goal_rankings": "-3"})
    assert answer.status_code == 422
    assert "greater than or equal to 0" in answer.content.decode()
    answer = client.post(f"{SITE}rounds/new/", {"goal_rankings": "many"})
    assert answer.status_code == 422
    assert "Enter a whole number" in answer.content.decode()
    assert project.rounds.count() == 1
    assert client.get(f"{SITE}rounds/9/").status_code == 404
