"""The registry of model versions in the admin site, and `/metrics`."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import User
from sampler import status
from sampler.models import ModelVersion, SampleRequest
from tests.sampler.conftest import ask, make_version

pytestmark = pytest.mark.django_db
LIST = "admin:sampler_modelversion_changelist"


def do(client: Client, action: str, *versions: ModelVersion) -> None:
    rows = [str(v.pk) for v in versions]
    client.post(reverse(LIST), {"action": action, "_selected_action": rows}, follow=True)


def form(**fields: str) -> dict[str, str]:
    empty = dict.fromkeys(["revision", "parent", "export_id", "remote_name", "api_key_env", "system_prompt",
                           "context_limit", "dialect"], "")  # fmt: skip
    return {**empty, "slug": "new", "engine": "fake", "location": "tokens=3", "role": "policy",
            "default_params": "{}", "concurrency": "256", "system_turn": "text", 
            "template_arguments": "{}", "extra_body": "{}",
            **fields}  # fmt: skip


def test_the_list_shows_versions_their_reasons_and_the_workers(client: Client, operator: User) -> None:
    make_version("good")
    ModelVersion.objects.create(slug="bad", engine="hf", state="failed", state_reason="There is no such folder.")
    status.report(
        {
            "name": "w-17", "at": 0, "held": 3, "loading": "", "stopping": False, "serves": [], "metrics": {},
            "loaded": {"good": {"device": "cpu", "running": 2, "way": "continuous", "why": "it was faster"}},
        }
    )  # fmt: skip
    client.force_login(operator)
    page = client.get(reverse(LIST)).content.decode()
    status.gone("w-17")
    for text in ("good", "bad", "There is no such folder.", "w-17", "it was faster"):
        assert text in page


def test_an_operator_registers_serves_warms_up_and_retires(client: Client, operator: User) -> None:
    client.force_login(operator)
    client.post(reverse("admin:sampler_modelversion_add"), form())
    version = ModelVersion.objects.get(slug="new")
    assert version.engine == "fake"
    do(client, "warm_up", version)
    assert SampleRequest.objects.filter(model_version=version, priority=0).count() == 1
    do(client, "retire", version)
    version.refresh_from_db()
    assert version.state == "retired"
    do(client, "serve", version)
    version.refresh_from_db()
    assert version.state == "registered"


def test_a_location_that_no_worker_could_load_is_refused_on_the_form(client: Client, operator: User) -> None:
    client.force_login(operator)
    page = client.post(reverse("admin:sampler_modelversion_add"), form(engine="openai", location="file:///etc/passwd"))
    assert "needs a base URL" in page.content.decode()
    assert not ModelVersion.objects.filter(slug="new").exists()


def test_a_manager_sees_the_registry_and_changes_nothing(client: Client, mona: User) -> None:
    version = make_version("seen")
    client.force_login(mona)
    assert "seen" in client.get(reverse(LIST)).content.decode()
    assert client.get(reverse("admin:sampler_modelversion_add")).status_code in {302, 403, 404}
    client.post(reverse("admin:sampler_modelversion_add"), form())
    assert not ModelVersion.objects.filter(slug="new").exists()
    do(client, "retire", version)
    version.refresh_from_db()
    assert version.state == "registered"


def test_a_trainer_sees_neither_the_registry_nor_requests(client: Client, alice: User) -> None:
    ask(make_version("hidden"), "a private prompt")
    client.force_login(alice)
    for name in (LIST, "admin:sampler_samplerequest_changelist"):
        response = client.get(reverse(name))
        assert response.status_code in {302, 403, 404}
        assert "hidden" not in response.content.decode()


def test_metrics_count_what_waits_by_model_and_priority(client: Client, settings: Settings) -> None:
    settings.METRICS_TOKEN = "a" * 40
    version = make_version("counted")
    ask(version)
    ask(version)
    ask(version, priority=0)
    text = client.get("/metrics", HTTP_AUTHORIZATION="Bearer " + "a" * 40).content.decode()
    assert 'duologue_sampler_queue{model="counted",priority="background",state="queued"} 2.0' in text
    assert 'duologue_sampler_queue{model="counted",priority="interactive",state="queued"} 1.0' in text
    assert "duologue_sampler_workers" in text


def test_metrics_are_for_the_tokens_bearer(client: Client, settings: Settings) -> None:
    assert client.get("/metrics").status_code == 404
    settings.METRICS_TOKEN = "a" * 40
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", HTTP_AUTHORIZATION="Bearer " + "a" * 40).status_code == 200
