"""What is kept for a second is seen to end within a second, at once where this process ended it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from accounts import tokens
from accounts.models import ApiToken, User
from common import held
from labeling import projects
from labeling.models import Membership, Project
from tests import makers

Clock = Callable[[float], None]
Ask = Callable[[], int]


@pytest.fixture
def wait(held_ages: Clock) -> Clock:
    """Lets time pass for what is held, and for nothing else."""
    return held_ages


@pytest.fixture
def ask(project: Project, alice: User) -> Ask:
    """Take a task over the API; the status of the answer."""
    makers.make_comparison(project)
    client = Client(headers={"Authorization": f"Bearer {tokens.create(user=alice)}"})
    path = f"/api/v1/projects/{project.slug}/assignments/"
    return lambda: client.post(path, content_type="application/json").status_code


def test_a_slow_machine_makes_nothing_old_in_a_test_that_lets_no_time_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def read(key: str) -> str:
        asked.append(key)
        return key

    kept = held.Held(read)
    kept.get("a")
    monkeypatch.setattr("time.monotonic", lambda: 1e9)
    kept.get("a")
    assert asked == ["a"]


def test_what_was_found_is_read_again_after_a_second_and_what_was_not_at_once(wait: Clock) -> None:
    asked: list[str] = []

    def read(key: str) -> str | None:
        asked.append(key)
        return None if key == "none" else key

    kept = held.Held(read)
    assert [kept.get("a"), kept.get("a"), kept.get("none"), kept.get("none")] == ["a", "a", None, None]
    assert asked == ["a", "none", "none"]
    wait(held.SECONDS)
    kept.get("a")
    assert asked[3:] == ["a"]


@pytest.mark.django_db
def test_a_token_revoked_by_another_process_is_refused_within_a_second(ask: Ask, alice: User, wait: Clock) -> None:
    assert ask() == 201
    ApiToken.objects.filter(user=alice).update(revoked_at=timezone.now())
    wait(held.SECONDS)
    assert ask() == 401


@pytest.mark.django_db
def test_a_token_past_its_time_is_refused_at_once(ask: Ask, alice: User, wait: Clock) -> None:
    assert ask() == 201
    token = ApiToken.objects.get(user=alice)
    found = tokens._held.get(token.digest)
    assert found is not None
    found.expires_at = timezone.now()
    ApiToken.objects.filter(user=alice).update(expires_at=timezone.now())
    assert ask() == 401


@pytest.mark.django_db
def test_a_role_ended_by_another_process_gives_no_task_at_once_and_no_project_within_a_second(
    ask: Ask, project: Project, alice: User, wait: Clock
) -> None:
    assert ask() == 201
    Membership.objects.filter(user=alice).update(ended_at=timezone.now())
    assert ask() == 400  # who may rank is read under the lock, whatever is held
    wait(held.SECONDS)
    assert ask() == 404


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["ended", "guest"])
def test_what_this_process_ends_it_sees_at_once(
    ask: Ask, project: Project, alice: User, wait: Clock, role: str
) -> None:
    assert ask() == 201
    if role == "guest":
        projects.set_membership(project=project, user=alice, role=role)
        assert ask() == 403
    else:
        projects.end_membership(project=project, user=alice)
        assert ask() == 404


@pytest.mark.django_db
def test_a_submission_asks_for_the_role_itself(project: Project, alice: User, wait: Clock) -> None:
    lease = makers.make_lease(makers.make_comparison(project), alice)
    client = Client(headers={"Authorization": f"Bearer {tokens.create(user=alice)}"})
    Membership.objects.filter(user=alice).update(ended_at=timezone.now())
    body = {"groups": [[cid] for cid in lease.order_shown]}
    answer = client.put(f"/api/v1/assignments/{lease.pk}/ranking/", body, content_type="application/json")
    assert answer.status_code == 404
