"""Own completions brought over the API, and how a project is doing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from labeling.models import Comparison, Project
from tests import makers

pytestmark = pytest.mark.django_db

OWN = {
    "prompt": [{"role": "user", "content": "Why is the sky blue?"}],
    "completions": [{"text": "Rayleigh scattering.", "model_version": "mine-1"}, {"text": "It reflects the sea."}],
    "votes": 2,
}


def test_one_comparison_or_a_list_and_the_same_again_is_not_made_twice(
    project: Project, mona: User, api: Callable[..., APIClient]
) -> None:
    client, address = api(mona), f"/api/v1/projects/{project.slug}/comparisons/"
    one = client.post(address, OWN, format="json")
    assert (one.status_code, one.data["votes"], one.data["state"]) == (201, 2, "open")
    other = {**OWN, "prompt": [{"role": "user", "content": "Why is grass green?"}]}
    many = client.post(address, [OWN, other], format="json")
    assert (many.status_code, many.data[0]["id"]) == (201, one.data["id"])
    assert client.post(address, [OWN, other], format="json").status_code == 200
    assert Comparison.objects.count() == 2


def test_a_list_is_all_or_nothing_and_names_the_one_that_is_wrong(
    project: Project, mona: User, api: Callable[..., APIClient]
) -> None:
    wrong = {**OWN, "completions": [{"text": "Only one."}]}
    response = api(mona).post(f"/api/v1/projects/{project.slug}/comparisons/", [OWN, wrong], format="json")
    assert (response.status_code, Comparison.objects.count()) == (400, 0)
    assert response.data["detail"].startswith("Comparison 2: ")


def test_a_manager_reads_the_rankings_with_model_and_trainer(
    project: Project, alice: User, mona: User, api: Callable[..., APIClient]
) -> None:
    comparison = makers.make_comparison(project, k=2)
    makers.make_ranking(comparison, alice)
    body = api(mona).get(f"/api/v1/comparisons/{comparison.pk}/").data
    assert body["rankings"][0]["trainer"] == "alice"
    assert {c["model_version"] for c in body["completions"]} == {"fake"}
    assert api(alice).get(f"/api/v1/comparisons/{comparison.pk}/").status_code == 403


def test_pages_are_walked_by_cursor(project: Project, mona: User, api: Callable[..., APIClient]) -> None:
    for _ in range(5):
        makers.make_comparison(project, k=2)
    client, seen, address = api(mona), [], f"/api/v1/projects/{project.slug}/comparisons/?limit=2&state=open"
    while address:
        page = client.get(address).data
        seen += [row["id"] for row in page["results"]]
        address = page["next"]
    assert len(seen) == len(set(seen)) == 5


def test_progress_counts_votes_and_states(
    project: Project, alice: User, mona: User, api: Callable[..., APIClient]
) -> None:
    makers.make_ranking(makers.make_comparison(project, k=2), alice)
    makers.make_comparison(project, k=2, votes=3)
    makers.make_chat(project, alice)
    body = api(mona).get(f"/api/v1/projects/{project.slug}/progress/").data
    assert body == {
        "round": 1,
        "comparisons": {"closed": 1, "open": 1},
        "votes_wanted": 3,
        "votes_given": 1,
        "leased": 0,
        "dialogues": {"chat": {"draft": 1}},
        "today": 1,
    }
    assert api(alice).get(f"/api/v1/projects/{project.slug}/progress/").status_code == 403


def test_a_manager_opens_a_round_and_adds_prompts(project: Project, mona: User, api: Callable[..., APIClient]) -> None:
    makers.make_model("next")
    client, base = api(mona), f"/api/v1/projects/{project.slug}"
    opened = client.post(f"{base}/rounds/", {"policies": [{"model_version": "next", "weight": 2}]}, format="json")
    assert (opened.status_code, opened.data["number"]) == (201, 2)
    unknown = client.post(f"{base}/rounds/", {"policies": [{"model_version": "none"}]}, format="json")
    assert (unknown.status_code, unknown.data["detail"]) == (400, "There is no model version 'none'.")
    prompts = {"prompts": [[{"role": "user", "content": "Tell me of tides."}]]}
    assert len(client.post(f"{base}/prompts/", prompts, format="json").data["ids"]) == 1
    assert project.prompts.get().author == mona


def test_only_an_operator_names_an_engines_location(
    project: Project, mona: User, operator: User, api: Callable[..., APIClient]
) -> None:
    body = {"slug": "remote", "engine": "fake", "location": "{}"}
    assert api(mona).post("/api/v1/model-versions/", body, format="json").status_code == 403
    made = api(operator).post("/api/v1/model-versions/", body, format="json")
    assert (made.status_code, made.data["slug"]) == (201, "remote")
    assert api(operator).post("/api/v1/model-versions/", body, format="json").status_code == 200
    assert "location" not in api(mona).get("/api/v1/model-versions/").data[0]


def test_trainers_do_not_see_which_models_there_are(
    project: Project, alice: User, api: Callable[..., APIClient]
) -> None:
    assert api(alice).get("/api/v1/model-versions/").status_code == 403
