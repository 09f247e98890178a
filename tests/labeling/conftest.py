"""Who has what open, for the tests of the pages."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User
from labeling import dialogues
from labeling.models import Assignment, Dialogue, Project
from tests import makers


@pytest.fixture
def demonstration(project: Project, alice: User, client: Client) -> Dialogue:
    client.force_login(alice)
    return dialogues.start_dialogue(project=project, author=alice, kind="demonstration")


@pytest.fixture
def chat(project: Project, alice: User, client: Client) -> Dialogue:
    client.force_login(alice)
    return makers.make_chat(project, alice)


@pytest.fixture
def task(project: Project, alice: User, client: Client) -> Assignment:
    """alice's lease on a comparison of four, with her signed in."""
    client.force_login(alice)
    return makers.make_lease(makers.make_comparison(project), alice)
