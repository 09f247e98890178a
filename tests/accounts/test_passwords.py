"""A new password by an operator's hand."""

from __future__ import annotations

import re
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import AuditEntry, User

pytestmark = pytest.mark.django_db


def link(name: str) -> str:
    out = StringIO()
    call_command("reset_password", name, stdout=out)
    return out.getvalue().strip()


def test_the_link_sets_a_new_password_once(alice: User, client: Client) -> None:
    printed = link("alice")
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/accounts/password/reset/key/\w+-[\w-]+/", printed)
    path = "/" + printed.split("/", 3)[3]
    page = client.get(path, follow=True)
    new = "a quite different passphrase"
    answer = client.post(page.request["PATH_INFO"], {"password1": new, "password2": new})
    assert answer.status_code == 302
    alice.refresh_from_db()
    assert alice.check_password(new)
    again = Client().get(path, follow=True)
    assert "password1" not in again.content.decode()


def test_that_it_was_made_is_in_the_audit_log_and_the_link_is_not(alice: User) -> None:
    printed = link("alice")
    (entry,) = AuditEntry.objects.filter(action="password.link")
    assert entry.object_id == str(alice.pk)
    key = printed.rstrip("/").rpartition("-")[2]
    assert not any(key in str(vars(one)) for one in AuditEntry.objects.all())


def test_nobody_of_that_name_is_said_in_a_sentence() -> None:
    with pytest.raises(CommandError, match="There is no active user 'nobody'"):
        link("nobody")
