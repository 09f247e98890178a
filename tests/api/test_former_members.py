"""Who has left a project reads nothing of it over the API any more, own work included."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from accounts import tokens
from accounts.models import User
from labeling import projects
from labeling.models import Project
from tests import makers

pytestmark = pytest.mark.django_db


def test_own_dialogues_are_out_of_reach_once_the_membership_has_ended(project: Project, alice: User) -> None:
    dialogue = makers.make_demonstration(project, alice)
    client = APIClient(headers={"Authorization": f"Bearer {tokens.create(user=alice)}"})
    path = f"/api/v1/dialogues/{dialogue.pk}/"
    assert client.get(path).status_code == 200
    projects.end_membership(project=project, user=alice)
    assert client.get(path).status_code == 404
