"""A label names the version of the guidelines under which its task was given, whatever was published since: that is the
version to which its page leads."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from labeling import corrections, leases, projects, rankings
from labeling.models import Assignment, Dialogue, Project, Ranking
from labeling.quality import reviews
from tests import makers
from tests.exports.makers import export, rows

pytestmark = pytest.mark.django_db


def submit(task: Assignment) -> Ranking:
    return rankings.submit_ranking(assignment=task, groups=[[cid] for cid in task.order_shown])[0]


def leads_to(client: Client, address: str) -> str:
    page = client.get(address).content.decode()
    return page.split("/guidelines/?v=")[1].split('"')[0]


def test_published_between_lease_and_submission_and_whatever_becomes_of_it_then(
    project: Project, alice: User, rita: User, client: Client, tmp_path: Path
) -> None:
    names = ("submitted", "expired", "undone", "returned")
    tasks = {name: makers.make_lease(makers.make_comparison(project, prompt=name), alice) for name in names}
    client.force_login(alice)
    projects.publish_guidelines(project=project, text="Shorter.")
    assert {leads_to(client, f"/ranking/{task.pk}/") for task in tasks.values()} == {"1"}
    Assignment.objects.filter(pk=tasks["expired"].pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert leases.expire_leases() == 1
    made = {name: submit(task) for name, task in tasks.items()}
    corrections.undo_ranking(assignment=tasks["undone"])
    submit(Assignment.objects.get(pk=tasks["undone"].pk))
    reviews.decide(reviewer=rita, decision="returned", ranking=made["returned"], comment="Look at B.")
    assert leads_to(client, f"/returned/{made['returned'].pk}/") == "1"
    corrections.mend_ranking(ranking=made["returned"], groups=made["returned"].groups)
    submit(makers.make_lease(makers.make_comparison(project, prompt="later"), alice))
    export(project, tmp_path / "x", "--config", "rankings")
    said = {row["context"][-1]["content"]: row["guideline_version"] for row in rows(tmp_path / "x", "rankings")}
    assert said == dict.fromkeys(names, 1) | {"later": 2}


@pytest.mark.parametrize("kind", ["chat", "demonstration"])
def test_a_dialogue_leads_to_the_version_under_which_it_was_begun(
    project: Project, alice: User, client: Client, kind: str
) -> None:
    begun: Dialogue = (
        makers.make_chat(project, alice) if kind == "chat" else makers.make_demonstration(project, alice, submit=False)
    )
    projects.publish_guidelines(project=project, text="Shorter.")
    client.force_login(alice)
    assert leads_to(client, f"/dialogues/{begun.pk}/") == "1"
