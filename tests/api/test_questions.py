"""Questions over the API."""

from __future__ import annotations

from collections.abc import Callable

from rest_framework.test import APIClient

from accounts.models import User
from labeling import projects
from labeling.models import Project
from tests import makers

Clients = Callable[..., APIClient]
ASKED = {"text": "Which counts more?"}


def test_asked_read_answered_changed(project: Project, alice: User, bob: User, mona: User, api: Clients) -> None:
    comparison = makers.make_comparison(project, votes=2)
    hers = makers.make_lease(comparison, alice)
    asks, reads, answers = api(alice, scopes=["read", "label"]), api(bob), api(mona)
    address = f"/api/v1/projects/{project.slug}/questions/"
    made = asks.post(address, ASKED | {"assignment": str(hers.pk)}, format="json")
    assert made.status_code == 201
    body = made.json()
    assert (body["about"], body["comparison"], body["yours"]) == ("comparison", str(comparison.pk), True)
    one = f"/api/v1/questions/{body['id']}/"
    assert reads.get(one).status_code == 404
    assert asks.put(f"{one}answer/", {"text": "Me."}, format="json").status_code == 403
    assert [row["id"] for row in answers.get(address, {"open": "true"}).json()["results"]] == [body["id"]]
    said = answers.put(f"{one}answer/", {"text": "Truth.", "for_everybody": True}, format="json").json()
    assert answers.get(address, {"open": "true"}).json()["results"] == []
    assert answers.put(f"{one}answer/", {"text": "No."}, format="json").status_code == 409
    again = {"text": "Truth and tone.", "for_everybody": True, "instead_of": said["answered_at"]}
    assert answers.put(f"{one}answer/", again, format="json").status_code == 200
    assert reads.get(one).json()["answer"] == "Truth and tone."
    assert asks.delete(one).status_code == 410


def test_about_each_thing_and_about_one_only(
    project: Project, alice: User, bob: User, rita: User, api: Clients
) -> None:
    address = f"/api/v1/projects/{project.slug}/questions/"
    dialogue = makers.make_demonstration(project, alice)
    ranking = makers.make_ranking(makers.make_comparison(project), alice)
    assert api(alice).post(address, ASKED, format="json").json()["about"] == "guidelines"
    assert api(alice).post(address, ASKED | {"dialogue": str(dialogue.pk)}, format="json").status_code == 201
    assert api(rita).post(address, ASKED | {"ranking": str(ranking.pk)}, format="json").status_code == 201
    assert api(alice).post(address, ASKED | {"ranking": str(ranking.pk)}, format="json").status_code == 404
    assert api(bob).post(address, ASKED | {"dialogue": str(dialogue.pk)}, format="json").status_code == 404
    both = {"dialogue": str(dialogue.pk), "ranking": str(ranking.pk)}
    assert api(rita).post(address, ASKED | both, format="json").status_code == 400
    for text in ("", "a\x00b", "x" * 4001):
        assert api(alice).post(address, {"text": text}, format="json").status_code == 400
    other = makers.make_project("other")
    projects.set_membership(project=other, user=alice, role="trainer")
    elsewhere = f"/api/v1/projects/{other.slug}/questions/"
    assert api(alice).post(elsewhere, ASKED | {"dialogue": str(dialogue.pk)}, format="json").status_code == 404


def test_taken_back_by_who_asked(project: Project, alice: User, rita: User, api: Clients) -> None:
    address = f"/api/v1/projects/{project.slug}/questions/"
    one = f"/api/v1/questions/{api(alice).post(address, ASKED, format='json').json()['id']}/"
    assert api(rita).delete(one).status_code == 404
    assert api(alice).delete(one).status_code == 204
    assert api(alice).get(one).status_code == 404
