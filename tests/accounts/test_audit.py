"""The audit log: what gets into it, and that nothing gets out again."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, transaction
from django.test import Client

from accounts import audit, tokens
from accounts.models import AuditEntry, User
from labeling import invitations, projects
from labeling.models import Project
from tests import makers

pytestmark = pytest.mark.django_db


def actions() -> list[str]:
    return list(AuditEntry.objects.order_by("id").values_list("action", flat=True))


def test_the_log_is_not_truncated_either() -> None:
    from django.db import connection

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_auditentry ENABLE TRIGGER audit_not_truncated")
        with pytest.raises(DatabaseError, match="append-only"):
            cursor.execute("TRUNCATE accounts_auditentry")
        transaction.set_rollback(True)


@pytest.mark.parametrize("change", ["UPDATE accounts_auditentry SET action = ''", "DELETE FROM accounts_auditentry"])
def test_the_database_refuses_to_change_or_remove_a_line(change: str, alice: User) -> None:
    from django.db import connection

    audit.record(actor=alice, action="test.done", obj=alice)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)
    assert AuditEntry.objects.filter(action="test.done").exists()


def test_a_line_stands_exactly_if_what_it_tells_of_stands(alice: User) -> None:
    with transaction.atomic():
        audit.record(actor=alice, action="test.done")
        transaction.set_rollback(True)
    assert "test.done" not in actions()


def test_a_person_can_be_deleted_while_their_lines_stay(stranger: User) -> None:
    audit.record(actor=stranger, action="test.done")
    pk = stranger.pk
    stranger.delete()
    assert AuditEntry.objects.get(action="test.done").actor_id == pk


def test_sign_ins_failed_ones_too_are_recorded_with_their_address(client: Client, alice: User) -> None:
    wrong = {"login": "alice", "password": "wrong"}
    client.post("/accounts/login/", wrong, REMOTE_ADDR="203.0.113.9")
    client.post("/accounts/login/", {"login": "alice", "password": makers.PASSWORD}, REMOTE_ADDR="203.0.113.9")
    client.post("/accounts/logout/")
    failed, succeeded, ended = AuditEntry.objects.filter(action__startswith="sign_in").order_by("id")
    assert (failed.action, failed.object_id, failed.actor) == ("sign_in.failed", str(alice.pk), None)
    assert (succeeded.action, succeeded.actor, succeeded.address) == ("sign_in.succeeded", alice, "203.0.113.9")
    assert ended.action == "sign_in.ended"


def test_what_was_typed_as_a_name_is_not_kept(client: Client, db: None) -> None:
    client.post("/accounts/login/", {"login": "my secret password", "password": "x"})
    entry = AuditEntry.objects.get(action="sign_in.failed")
    assert (entry.object_id, entry.fields) == ("", [])


def test_changes_of_roles_name_who_made_them(project: Project, alice: User, mona: User) -> None:
    projects.set_membership(project=project, user=alice, role="reviewer", by=mona)
    projects.end_membership(project=project, user=alice, by=mona)
    changed, ended = AuditEntry.objects.filter(actor=mona).order_by("id")
    assert (changed.action, ended.action, changed.project_id) == ("role.reviewer", "role.ended", project.pk)


def test_tokens_and_invitations_are_recorded_without_their_secrets(project: Project, mona: User) -> None:
    token = tokens.create(user=mona, name="ci")
    _, link = invitations.invite(project=project, role="trainer", by=mona)
    kept = str(list(AuditEntry.objects.values()))
    assert {"token.created", "invitation.created"} <= set(actions())
    assert token not in kept
    assert link not in kept
