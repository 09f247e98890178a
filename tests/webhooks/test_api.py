"""Webhooks over the API."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import User
from labeling.models import Project
from tests import makers

pytestmark = pytest.mark.django_db


def test_the_api_makes_lists_and_ends_webhooks(
    project: Project, mona: User, alice: User, api: Callable[..., APIClient], settings: Settings
) -> None:
    settings.WEBHOOKS_TO_PRIVATE_ADDRESSES = False
    client, address = api(mona), f"/api/v1/projects/{project.slug}/webhooks/"
    body = {"url": "https://93.184.216.34/hook", "events": ["ranking.submitted"]}
    made = client.post(address, body, format="json")
    assert made.status_code == 201
    assert made.data["secret"].startswith("whsec_")
    assert "secret" not in client.get(address).data[0]
    refused = client.post(address, {**body, "url": "https://127.0.0.1/"}, format="json")
    assert (refused.status_code, "private address" in refused.data["detail"]) == (400, True)
    makers.make_ranking(makers.make_comparison(project, k=2), alice)
    log = client.get(f"/api/v1/webhooks/{made.data['id']}/deliveries/").data["results"]
    assert [row["event"] for row in log] == ["ranking.submitted"]
    assert client.delete(f"/api/v1/webhooks/{made.data['id']}/").status_code == 204
    again = f"/api/v1/webhooks/{made.data['id']}/deliveries/{log[0]['id']}/again/"
    assert client.post(again).data["state"] == "failed"
    assert api(alice).get(f"/api/v1/webhooks/{made.data['id']}/").status_code == 404
