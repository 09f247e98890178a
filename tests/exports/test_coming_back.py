"""Whoever withdrew and comes back: what was withdrawn stays so, what they write after they agreed counts."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts import tokens
from accounts.models import AuditEntry, User
from exports.options import parse_instant
from exports.snapshot import now
from labeling import agreements, dialogues, feedback, leases, projects
from labeling.errors import Invalid, NotAgreed
from labeling.models import Membership, Project
from labeling.quality import adjudication
from labeling.withdrawal import withdraw
from moderation import marks
from moderation.models import Verdict
from tests import makers
from tests.exports.makers import export, rows

pytestmark = pytest.mark.django_db(transaction=True)
CONFIGS = ("--config", "preferences,rankings,sft,prompts,ratings,raw,moderation")


def gone_and_back(project: Project, person: User, role: str = "trainer") -> None:
    withdraw(project=project, user=person)
    projects.set_membership(project=project, user=person, role=role)


def held(folder: Path) -> tuple[int, int, int, int]:
    """Rankings, demonstrations and rated replies in it, and human marks on texts."""
    marked = sum(len(row["marks"]) for row in rows(folder, "moderation") if isinstance(row["marks"], list))
    return len(rows(folder, "rankings")), len(rows(folder, "sft")), len(rows(folder, "ratings")), marked


def work(project: Project, person: User) -> None:
    """A ranking, a demonstration, a thumb and a mark."""
    makers.make_ranking(makers.make_comparison(project), person)
    makers.make_demonstration(project, person)
    chat = makers.make_chat(project, person, submit=True)
    feedback.give_feedback(turn=chat.turns.get(role="assistant"), user=person, thumb_up=True)
    text = Verdict.objects.filter(project=project, feedback=None).order_by("-created_at")[0]
    marks.mark(verdict=text, user=person, harmful=True, category="hate")


def test_what_was_withdrawn_stays_so_and_what_is_written_after_they_agreed_is_exported(
    project: Project, alice: User, tmp_path: Path
) -> None:
    work(project, alice)
    before = now().isoformat()
    assert export(project, tmp_path / "whole", *CONFIGS)
    everything = held(tmp_path / "whole")
    assert min(everything) > 0
    gone_and_back(project, alice)
    with pytest.raises(NotAgreed):
        dialogues.start_dialogue(project=project, author=alice, kind="demonstration")
    with pytest.raises(NotAgreed):
        leases.lease_next(project=project, trainer=alice)
    projects.count_again(project=project, user=alice)
    assert export(project, tmp_path / "empty", *CONFIGS)
    assert held(tmp_path / "empty") == (0, 0, 0, 0)
    work(project, alice)
    assert export(project, tmp_path / "again", *CONFIGS)
    assert held(tmp_path / "again") == everything
    export(project, tmp_path / "delta", *CONFIGS, "--since", before)
    assert held(tmp_path / "delta") == everything
    assert (tmp_path / "delta" / "tombstones.jsonl").stat().st_size > 0
    export(project, tmp_path / "earlier", *CONFIGS, "--cutoff", before)
    assert parse_instant(before)
    assert held(tmp_path / "earlier") == (0, 0, 0, 0)
    gone_and_back(project, alice)  # a second time
    projects.count_again(project=project, user=alice)
    export(project, tmp_path / "second", *CONFIGS)
    assert held(tmp_path / "second") == (0, 0, 0, 0)


def test_they_are_told_on_home_and_agree_before_the_next_task(client: Client, project: Project, alice: User) -> None:
    makers.make_comparison(project)
    gone_and_back(project, alice)
    client.force_login(alice)
    assert "You withdrew: nothing of yours counts yet" in client.get("/").content.decode()
    address = client.post(f"/projects/{project.slug}/rank/").headers["Location"]
    page = client.get(address).content.decode()
    assert "You are back in" in page
    assert "It stays withdrawn" in page
    done = client.post(address, {"what": "return", "version": 1, "then": "ranking"})
    assert done.headers["Location"].startswith("/ranking/")
    member = Membership.objects.get(user=alice, project=project)
    assert member.returned_at is not None
    assert member.withdrawn_at is not None
    assert member.withdrawn_at < member.returned_at
    projects.count_again(project=project, user=alice)  # again: nothing changes
    assert Membership.objects.get(pk=member.pk).returned_at == member.returned_at
    assert AuditEntry.objects.filter(action="member.returned", actor=alice).count() == 1
    assert "nothing of yours counts yet" not in client.get("/").content.decode()


def test_programs_are_asked_too(project: Project, alice: User, bob: User) -> None:
    gone_and_back(project, alice)
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens.create(user=alice)}")
    refused = api.post(f"/api/v1/projects/{project.slug}/assignments/", {"task": "ranking"}, format="json")
    assert (refused.status_code, refused.data["type"]) == (409, "urn:duologue:not-agreed:return")
    address = f"/api/v1/projects/{project.slug}/agreements/"
    (owed,) = api.get(address).data
    assert (owed["what"], owed["version"], "It stays withdrawn" in owed["text"]) == ("return", 1, True)
    assert api.post(address, {"what": "return", "version": 1}, format="json").data == []
    with pytest.raises(Invalid):
        projects.count_again(project=project, user=bob)


def test_a_reviewer_who_withdrew_gives_no_gold_order_that_would_not_be_exported(
    project: Project, alice: User, rita: User
) -> None:
    ranking = makers.make_ranking(makers.make_comparison(project), alice)
    gone_and_back(project, rita, "reviewer")
    assert agreements.owed(project, rita) == agreements.Owed("return", 1, 0)
    order = {"groups": ranking.groups, "order_shown": ranking.order_shown}
    with pytest.raises(NotAgreed):
        adjudication.adjudicate(comparison=ranking.comparison, reviewer=rita, **order)
    projects.count_again(project=project, user=rita)
    assert adjudication.adjudicate(comparison=ranking.comparison, reviewer=rita, **order).kind == "gold"
