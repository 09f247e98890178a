"""A reviewer who ranks sees neither models nor votes of what is still open to them, on any page or by the API."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import tokens
from accounts.models import User
from labeling import leases
from labeling.models import Assignment, Comparison, Project, Ranking
from labeling.quality import blind
from sampler.models import Completion, ModelVersion
from tests import makers

pytestmark = pytest.mark.django_db
MODEL = "unmistakable-model"


@pytest.fixture
def half(project: Project, alice: User) -> Ranking:
    """Alice's vote on a comparison that wants a second one."""
    comparison = makers.make_comparison(project, votes=2)
    Completion.objects.filter(pk__in=comparison.candidates.values("completion")).update(model_label=MODEL)
    return makers.make_ranking(comparison, alice, note="a telling note")


def reading(client: Client, ranking: Ranking) -> str:
    """Every page on which a reviewer meets the ranking."""
    pages = [
        reverse("review-ranking", args=[ranking.pk]) + "?order=1",
        reverse("adjudicate", args=[ranking.comparison_id]) + f"?from={ranking.pk}",
        reverse("review-queue", args=[ranking.comparison.project.slug]),
        reverse("admin:labeling_ranking_change", args=[ranking.pk]),
        reverse("admin:labeling_ranking_changelist"),
    ]
    return "".join(client.get(path, follow=True).content.decode() for path in pages)


def over_the_api(user: User, comparison: Comparison) -> list[dict[str, object]]:
    client = APIClient(headers={"Authorization": f"Bearer {tokens.create(user=user)}"})
    one = client.get(f"/api/v1/comparisons/{comparison.pk}/").data
    listed = client.get(f"/api/v1/projects/{comparison.project.slug}/comparisons/").data["results"]
    return [one, *listed]


def test_what_a_reviewer_may_yet_be_given_is_not_shown_to_them(client: Client, half: Ranking, rita: User) -> None:
    client.force_login(rita)
    text = reading(client, half)
    assert "You may still rank this comparison yourself" in text
    assert MODEL not in text
    assert "a telling note" not in text
    assert " &gt; " not in text
    for body in over_the_api(rita, half.comparison):
        assert (body["withheld"], body["rankings"]) == (True, [])
        assert MODEL not in str(body)


def test_who_leaves_the_ranking_to_others_sees_it_and_is_never_given_it(
    client: Client, project: Project, half: Ranking, rita: User
) -> None:
    client.force_login(rita)
    blind_address = reverse("review-blind", args=[half.pk])
    answer = client.post(blind_address, {"instead": "review"}, follow=True).content.decode()
    assert MODEL in answer
    assert "a telling note" in answer
    assert leases.lease_next(project=project, trainer=rita) == (None, False)
    assert all(body["withheld"] is False and body["rankings"] for body in over_the_api(rita, half.comparison))


def test_a_vote_of_ones_own_is_seen_beside_the_others_once_it_stands(
    client: Client, project: Project, half: Ranking, rita: User
) -> None:
    client.force_login(rita)
    makers.make_ranking(half.comparison, rita)
    assert MODEL not in reading(client, half)  # it could be taken back
    later = timezone.now() - timedelta(minutes=project.undo_minutes, seconds=1)
    Ranking.objects.filter(trainer=rita).update(submitted_at=later)
    assert MODEL in reading(client, half)


def test_a_manager_knows_the_names_but_for_what_they_hold_as_a_task(
    half: Ranking, mona: User, project: Project
) -> None:
    assert not blind.is_open(half.comparison, mona)
    task, _ = leases.lease_next(project=project, trainer=mona)
    assert task is not None
    assert blind.is_open(half.comparison, mona)
    Assignment.objects.filter(pk=task.pk).update(state="expired", slot=None)
    assert blind.is_open(half.comparison, mona)  # its draft can still be submitted


def test_closed_comparisons_and_own_prompts_are_open_to_nobody(project: Project, alice: User, rita: User) -> None:
    closed = makers.make_ranking(makers.make_comparison(project), alice).comparison
    own = makers.make_comparison(project)
    Comparison.objects.filter(pk=own.pk).update(author=rita)
    assert not blind.still_open(Comparison.objects.filter(pk__in=[closed.pk, own.pk]), rita).exists()
    project.exclude_own_chats = False
    project.save()
    assert list(blind.still_open(Comparison.objects.filter(pk__in=[closed.pk, own.pk]), rita)) == [own]


def test_a_chat_names_its_model_to_a_reviewer_once_its_answers_are_ranked(
    client: Client, project: Project, alice: User, rita: User
) -> None:
    chat = makers.make_chat(project, alice)
    ModelVersion.objects.update(slug=MODEL)
    client.force_login(rita)
    pages = [reverse("admin:labeling_dialogue_change", args=[chat.pk]), reverse("review-dialogue", args=[chat.pk])]
    assert not any(MODEL in client.get(path).content.decode() for path in pages)
    chat.state, chat.submitted_at = "submitted", timezone.now()
    chat.save()
    assert all(MODEL in client.get(path).content.decode() for path in pages)
    Comparison.objects.filter(pk=makers.make_comparison(project).pk).update(dialogue=chat)
    assert not any(MODEL in client.get(path).content.decode() for path in pages)
