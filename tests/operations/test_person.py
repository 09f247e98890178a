"""What is kept of a person, all of it and nothing of others."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.models import AuditEntry, User
from labeling.models import Project
from tests import makers

pytestmark = pytest.mark.django_db


def exported(name: str) -> dict[str, list[dict[str, object]]]:
    out = StringIO()
    call_command("person", name, "--export", stdout=out)
    found: dict[str, list[dict[str, object]]] = json.loads(out.getvalue())
    return found


def test_everything_of_the_person_is_there_and_nothing_of_anybody_else(
    project: Project, alice: User, bob: User
) -> None:
    makers.make_demonstration(project, alice, question="What did Alice ask?")
    makers.make_demonstration(project, bob, question="What did Bob ask?")
    makers.make_ranking(makers.make_comparison(project), alice, note="by Alice")
    makers.make_ranking(makers.make_comparison(project), bob, note="by Bob")
    found = exported("alice")
    text = json.dumps(found)
    assert "What did Alice ask?" in text
    assert "by Alice" in text
    assert "Bob" not in text
    never = dict.fromkeys(("ended_at", "withdrawn_at", "returned_at"))
    assert found["memberships"] == [{"project_slug": "demo", "role": "trainer", **never}]
    assert [turn["position"] for turn in found["turns"]] == [0, 1]
    assert AuditEntry.objects.filter(action="person.exported", object_id=str(alice.pk)).exists()


def test_secrets_of_the_account_are_not_in_it(alice: User) -> None:
    text = json.dumps(exported("alice"))
    assert alice.password not in text
    assert "digest" not in text


def test_nobody_of_that_name_is_said_in_a_sentence() -> None:
    with pytest.raises(CommandError, match="There is no user 'nobody'"):
        exported("nobody")
