"""Connecting a model: what the form refuses, what is said of a trial, and that only operators get there."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import AuditEntry, User
from labeling.models import Project
from sampler.models import ModelTrial, ModelVersion
from tests import makers

CONNECT = "/manage/models/connect/"


@pytest.fixture
def asked(client: Client, operator: User) -> Client:
    client.force_login(operator)
    return client


def made(**fields: object) -> ModelTrial:
    values: dict[str, object] = {"slug": "new-one", "engine": "openai", "location": "http://gpu1:8001/v1"}
    return ModelTrial.objects.create(**{**values, **fields})


def test_a_server_and_a_folder_are_told_apart_by_what_is_written(asked: Client) -> None:
    asked.post(
        CONNECT, {"location": "http://gpu1:8001/v1", "slug": "a", "api_key_env": "GPU1_KEY", "temperature": "0.7"}
    )
    asked.post(CONNECT, {"location": "/models/round-7", "slug": "b", "api_key_env": "GPU1_KEY"})
    folder, server = ModelTrial.objects.order_by("-slug")
    assert (server.engine, server.api_key_env, server.params) == ("openai", "GPU1_KEY", {"temperature": 0.7})
    assert (folder.engine, folder.api_key_env, folder.params) == ("hf", "", {})
    assert not ModelVersion.objects.filter(slug__in=["a", "b"]).exists()


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("location", "http://169.254.169.254/v1", "own services"),
        ("location", "http://me:secret@gpu1/v1", "name an environment variable"),
        ("slug", "Big Name", "Lower-case letters"),
        ("slug", "taken", "a name is never given twice"),
        ("api_key_env", "sk-123456", "not the key"),
        ("temperature", "11", "less than or equal to 10"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(asked: Client, field: str, value: str, sentence: str) -> None:
    makers.make_model("taken")
    said = {"location": "http://gpu1:8001/v1", "slug": "new-one", field: value}
    answer = asked.post(CONNECT, said)
    assert answer.status_code == 422
    assert sentence in " ".join(answer.context["form"].errors[field])
    assert not ModelTrial.objects.exists()


@pytest.mark.parametrize("trouble", [one for one in ModelTrial.Trouble.values if one != "name"])
def test_every_trouble_has_a_sentence(asked: Client, trouble: str) -> None:
    trial = made(state="failed", trouble=trouble, said="In words.", finished_at="2026-01-01T00:00Z")
    page = asked.get(f"{CONNECT}{trial.pk}/").content.decode()
    assert "It does not work yet" in page
    assert "hx-get" not in page
    assert "Connect new-one" not in page


def test_the_names_that_the_server_has_are_told(asked: Client) -> None:
    trial = made(
        state="failed", trouble="name", said="lama", offered=["llama", "qwen"], finished_at="2026-01-01T00:00Z"
    )
    page = asked.get(f"{CONNECT}{trial.pk}/").content.decode()
    assert "The server has no model lama. It has: llama, qwen." in page
    assert 'value="http://gpu1:8001/v1"' in page, "the form is as it was"


def test_while_it_waits_the_page_asks_again_and_says_where_no_worker_lives(
    asked: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sampler.status.workers", list)
    trial = made()
    fragment = asked.get(f"{CONNECT}{trial.pk}/", headers={"HX-Request": "true"}).content.decode()
    assert "No sampler is running" in fragment
    assert "<html" not in fragment
    assert 'hx-trigger="every 1s"' in fragment


def test_what_worked_is_registered_once_and_one_is_back_at_the_round(asked: Client, project: Project) -> None:
    trial = made(engine="fake", location="", state="worked", text="Yes.", finished_at="2026-01-01T00:00Z")
    address = f"{CONNECT}{trial.pk}/register/?in_project={project.slug}"
    for _ in range(2):
        answer = asked.post(address)
        assert answer.headers["Location"] == f"/manage/projects/{project.slug}/rounds/new/"
    assert ModelVersion.objects.get(slug="new-one").engine == "fake"
    assert AuditEntry.objects.filter(action="modelversion.registered").count() == 1


def test_what_failed_or_whose_name_was_taken_meanwhile_is_not_registered(asked: Client) -> None:
    failed = made(state="failed", trouble="away", finished_at="2026-01-01T00:00Z")
    assert asked.post(f"{CONNECT}{failed.pk}/register/").status_code == 404
    worked = made(state="worked", text="Yes.", finished_at="2026-01-01T00:00Z")
    makers.make_model("new-one")
    answer = asked.post(f"{CONNECT}{worked.pk}/register/", follow=True)
    assert "is already registered" in answer.content.decode()
    assert ModelVersion.objects.get(slug="new-one").engine == "fake"


def test_managers_see_the_models_and_where_to_connect_one_is_for_operators(
    client: Client, mona: User, operator: User, project: Project
) -> None:
    makers.make_model("parrot", location="say=secret-place")
    client.force_login(mona)
    page = client.get("/manage/models/").content.decode()
    assert "parrot" in page
    assert "secret-place" not in page
    assert CONNECT not in page
    assert CONNECT not in client.get(f"/manage/projects/{project.slug}/rounds/").content.decode()
    client.force_login(operator)
    assert "secret-place" in client.get("/manage/models/").content.decode()
    assert CONNECT in client.get(f"/manage/projects/{project.slug}/rounds/").content.decode()
