"""A dialogue of 2,000 turns, as imports bring them, costs a page of the admin site no more than a hundred do."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from labeling.models import Dialogue, Project, Turn
from sampler import sampling
from tests.measuring import processor_seconds

pytestmark = pytest.mark.django_db
TURNS = 2_000


@pytest.fixture
def long(project: Project) -> Dialogue:
    dialogue = Dialogue.objects.create(
        project=project, kind="imported", state="accepted", submitted_at="2026-01-01T00:00Z"
    )
    written = sampling.provide_all(texts=[(f"Answer {number}. " * 40, "a model") for number in range(TURNS // 2)])
    Turn.objects.bulk_create(
        Turn(
            dialogue=dialogue, position=position, role="assistant" if position % 2 else "user",
            text=f"Turn number {position}, changed. " * 40, completion=written[position // 2] if position % 2 else None,
        )
        for position in range(TURNS)
    )  # fmt: skip
    return dialogue


@pytest.mark.parametrize(
    ("page", "key"), [("admin:labeling_dialogue_change", "turns-page"), ("review-dialogue", "page")]
)
def test_a_page_of_reviewers_shows_a_hundred_turns(
    client: Client, long: Dialogue, rita: User, page: str, key: str
) -> None:
    client.force_login(rita)
    path = reverse(page, args=[long.pk])
    text = client.get(path).content.decode()
    assert processor_seconds(lambda: client.get(path)) < 3
    assert "Turn number 99," in text
    assert "Turn number 100," not in text
    assert "Turn number 1999," in client.get(path, {key: "20"}).content.decode()


def test_the_list_reads_only_how_a_dialogue_opens(client: Client, long: Dialogue, rita: User) -> None:
    client.force_login(rita)
    path = reverse("admin:labeling_dialogue_changelist")
    text = client.get(path).content.decode()
    assert processor_seconds(lambda: client.get(path)) < 1.5
    assert "Turn number 0," in text
