"""A new version of the guidelines is read before the next task: on the pages always, by programs where the project
says so."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User
from labeling import agreements, assignments, leases, projects
from labeling.errors import Conflict, NotAgreed
from labeling.models import Acknowledgement, Assignment, Dialogue, Project
from labeling.pages import changed_guidelines
from tests import makers

OLD = "# Guidelines\n\nBe helpful."
NEW = "# Guidelines\n\nBe helpful and short."


@pytest.fixture
def changed(project: Project, alice: User, mona: User) -> Project:
    """alice joined under version 1; version 2 is in force."""
    projects.publish_guidelines(project=project, text=NEW, note="Shorter", by=mona)
    return project


def test_whoever_joined_before_a_version_reads_it_before_the_next_task(changed: Project, alice: User) -> None:
    makers.make_comparison(changed)
    owed = agreements.owed(changed, alice)
    assert owed == agreements.Owed("guidelines", 2, 1)
    with pytest.raises(NotAgreed):
        leases.lease_next(project=changed, trainer=alice)
    assert not Assignment.objects.exists()
    made = agreements.acknowledge(project=changed, person=alice, number=2)
    assert made == agreements.acknowledge(project=changed, person=alice, number=2)
    assert (made.version.number, made.at is not None) == (2, True)
    assert leases.lease_next(project=changed, trainer=alice)[1]


def test_a_newcomer_and_whoever_wrote_the_version_are_not_asked(changed: Project, mona: User) -> None:
    nina = makers.make_member(changed, "nina")
    assert agreements.owed(changed, nina) is None
    assert agreements.owed(changed, mona) is None


def test_only_the_version_in_force_is_acknowledged(changed: Project, alice: User) -> None:
    with pytest.raises(Conflict):
        agreements.acknowledge(project=changed, person=alice, number=1)
    assert not Acknowledgement.objects.exists()


def test_a_draft_survives_and_is_finished_before(project: Project, alice: User, mona: User) -> None:
    makers.make_comparison(project)
    begun, _ = leases.lease_next(project=project, trainer=alice)
    assert begun is not None
    assignments.save_draft(assignment=begun, draft={"note": "half way"})
    projects.publish_guidelines(project=project, text=NEW, by=mona)
    again, new = leases.lease_next(project=project, trainer=alice)
    assert again is not None
    assert (again.pk, new) == (begun.pk, False)
    assert again.draft == {"note": "half way"}


def test_the_page_shows_the_words_that_changed_and_leads_to_the_task(
    client: Client, changed: Project, alice: User
) -> None:
    makers.make_comparison(changed)
    client.force_login(alice)
    asked = client.post(f"/projects/{changed.slug}/rank/")
    assert asked.headers["Location"] == f"/projects/{changed.slug}/agree/?then=ranking"
    shown = client.get(asked.headers["Location"]).content.decode()
    assert "<ins> and short</ins>" in shown
    assert "Shorter" in shown
    late = client.post(f"/projects/{changed.slug}/agree/", {"version": 1, "then": "ranking"})
    assert late.status_code == 409
    assert not Acknowledgement.objects.exists()
    answer = client.post(f"/projects/{changed.slug}/agree/", {"version": 2, "then": "ranking"})
    assert answer.headers["Location"] == f"/ranking/{Assignment.objects.get().pk}/"
    assert client.get(f"/projects/{changed.slug}/agree/").headers["Location"] == "/"


@pytest.mark.parametrize("kind", ["chat", "demonstration"])
def test_a_dialogue_too_is_begun_afterwards(client: Client, changed: Project, alice: User, kind: str) -> None:
    client.force_login(alice)
    asked = client.post(f"/projects/{changed.slug}/start/{kind}/")
    assert asked.headers["Location"] == f"/projects/{changed.slug}/agree/?then={kind}"
    assert not Dialogue.objects.exists()
    client.post(f"/projects/{changed.slug}/agree/", {"version": 2, "then": kind})
    assert Dialogue.objects.get().kind == kind


def test_a_ranking_under_way_is_stored_and_can_be_taken_back_from_the_page(
    client: Client, project: Project, alice: User, mona: User
) -> None:
    task = makers.make_lease(makers.make_comparison(project), alice)
    makers.make_comparison(project)
    projects.publish_guidelines(project=project, text=NEW, by=mona)
    client.force_login(alice)
    places = {f"place-{cid}": number for number, cid in enumerate(task.order_shown, 1)}
    answer = client.post(f"/ranking/{task.pk}/", places, headers={"HX-Request": "true"})
    assert answer.status_code == 204
    address = answer.headers["HX-Redirect"]
    assert address == f"/projects/{project.slug}/agree/?then=ranking&after={task.pk}"
    assert Assignment.objects.get(pk=task.pk).state == "submitted"
    assert f"/ranking/{task.pk}/undo/" in client.get(address).content.decode()


def test_home_and_the_list_of_people_say_it(client: Client, changed: Project, alice: User, mona: User) -> None:
    client.force_login(alice)
    assert f"/projects/{changed.slug}/agree/" in client.get("/").content.decode()
    client.force_login(mona)
    people = f"/manage/projects/{changed.slug}/people/"
    assert "Guidelines: version 1 of 2" in client.get(people).content.decode()
    agreements.acknowledge(project=changed, person=alice, number=2)
    assert "Guidelines: version 1 of 2" not in client.get(people).content.decode()


def test_what_is_far_from_every_change_is_folded() -> None:
    paragraphs = [f"Paragraph {number}.\n\n" for number in range(12)]
    after = "".join(paragraphs)
    parts = changed_guidelines.parts(after.replace("Paragraph 6", "Section 6"), after)
    assert [part.kind for part in parts] == ["folded", "same", "gone", "new", "same", "folded"]
    assert "".join(part.text for part in parts if part.kind != "gone") == after
