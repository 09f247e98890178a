"""What the content filter blocks is refused by the API with its own problem, and nothing is stored of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from labeling import errors, projects
from labeling.api import problems
from labeling.models import Project, Ranking, Turn
from screening.models import Verdict
from tests import makers
from tests.screening.planting import BAD, block

pytestmark = pytest.mark.django_db


def kinds(of: type[errors.LabelingError] = errors.LabelingError) -> Iterator[type[errors.LabelingError]]:
    for kind in of.__subclasses__():
        yield kind
        yield from kinds(kind)


@pytest.mark.parametrize("kind", list(kinds()), ids=lambda kind: kind.__name__)
def test_every_refusal_of_the_domain_has_an_answer(kind: type[errors.LabelingError]) -> None:
    more: dict[str, dict[str, object]] = {
        "Blocked": {"verdict": uuid4()}, "NeedsConfirmation": {"pairs": []},
        "NotAgreed": {"what": "guidelines", "version": 1}, "OverQuota": {"opens_at": timezone.now()},
    }  # fmt: skip
    found = problems.from_domain(kind("A sentence.", **more.get(kind.__name__, {})))
    assert isinstance(found, problems.Problem)
    assert 400 <= found.status_code < 500


def refused(content: bytes) -> Verdict:
    """The verdict that a refusal names."""
    told = json.loads(content)
    assert told["type"] == "urn:duologue:blocked"
    assert told["category"] == "violence"
    assert "content filter blocks" in told["detail"]
    return Verdict.objects.get(pk=told["verdict"])


@pytest.mark.parametrize(("kind", "turn"), [("chat", {}), ("demonstration", {"role": "user"})])
def test_messages_and_turns(
    project: Project, alice: User, api: Callable[..., APIClient], kind: str, turn: dict[str, str]
) -> None:
    block(project)
    client = api(alice)
    begun = client.post(f"/api/v1/projects/{project.slug}/dialogues/", {"kind": kind}, format="json")
    for headers in ({}, {"Idempotency-Key": str(uuid4())}):
        address = f"/api/v1/dialogues/{begun.data['id']}/turns/"
        answer = client.post(address, {**turn, "text": BAD}, format="json", headers=headers)
        assert answer.status_code == 422
        assert refused(answer.content).text == BAD
    assert not Turn.objects.exists()


@pytest.mark.parametrize("direct", [True, False])
def test_ideal_answers(project: Project, alice: User, api: Callable[..., APIClient], direct: bool) -> None:
    projects.change_settings(project=project, ask_ideal_answer=True)
    block(project)
    lease = makers.make_lease(makers.make_comparison(project, k=2), alice)
    said = {"groups": [[cid] for cid in lease.order_shown], "ideal_answer": BAD}
    headers = {} if direct else {"Idempotency-Key": str(uuid4())}
    answer = api(alice).put(f"/api/v1/assignments/{lease.pk}/ranking/", said, format="json", headers=headers)
    assert answer.status_code == 422
    assert refused(answer.content).author == alice
    assert not Ranking.objects.exists()


def test_the_ranking_page_says_so_keeps_what_was_sent_and_takes_a_mark(
    client: Client, project: Project, alice: User
) -> None:
    projects.change_settings(project=project, ask_ideal_answer=True)
    block(project)
    lease = makers.make_lease(makers.make_comparison(project, k=2), alice)
    client.force_login(alice)
    places = {f"place-{cid}": str(place) for place, cid in enumerate(lease.order_shown, 1)}
    for language, words in (
        ("en", "the content filter blocks your own answer"),
        ("de", "Der Inhaltsfilter sperrt deine eigene Antwort"),
    ):
        sent = {**places, "ideal_answer": BAD}
        answer = client.post(f"/ranking/{lease.pk}/", sent, headers={"Accept-Language": language})
        html = answer.content.decode()
        assert answer.status_code == 422
        assert words.lower() in html.lower()
        assert BAD in html
        assert f'action="{reverse("filter-mark", args=[Verdict.objects.latest("created_at").pk])}"' in html
    assert not Ranking.objects.exists()
