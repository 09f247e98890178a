"""Webhooks never go to a private address."""

from __future__ import annotations

import ipaddress

import pytest
from pytest_django import Settings

from accounts.models import AuditEntry, User
from common.outgoing import is_public
from labeling.errors import Invalid
from labeling.models import Project
from tests import makers
from tests.webhooks.receiver import Receiver
from webhooks import outbox, subscriptions
from webhooks.models import Delivery, Subscription

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/x", "https://10.0.0.8/x", "https://169.254.169.254/latest", "https://[::1]/x",
        "https://[::ffff:127.0.0.1]/x", "https://[fd00::1]/x", "https://localhost/x", "https://0.0.0.0/x",
        "https://100.64.0.1/x", "https://[64:ff9b::7f00:1]/x", "https://2130706433/x", "https://0x7f.1/x",
        "http://93.184.216.34/x", "ftp://93.184.216.34/x", "https://user:secret@93.184.216.34/x", "https://",
        "nonsense",
        "https://93.184.216.34:notaport/", "https://224.0.0.1/",
    ],
)  # fmt: skip
def test_private_and_odd_addresses_are_refused_with_a_sentence(
    url: str, project: Project, mona: User, settings: Settings
) -> None:
    settings.WEBHOOKS_TO_PRIVATE_ADDRESSES = False
    with pytest.raises(Invalid, match=r"\.$|=1\."):
        subscriptions.subscribe(project=project, url=url, events=["ranking.submitted"], by=mona)


def test_a_public_address_is_taken_and_written_to_the_audit_log(
    project: Project, mona: User, settings: Settings
) -> None:
    settings.WEBHOOKS_TO_PRIVATE_ADDRESSES = False
    made = subscriptions.subscribe(
        project=project, url="https://93.184.216.34/hook", events=["ranking.submitted"], by=mona
    )
    entry = AuditEntry.objects.get(action="webhook.created")
    assert (entry.actor, entry.object_id, entry.project_id) == (mona, str(made.pk), project.pk)


def test_a_name_that_turns_private_after_it_was_checked_is_not_called(
    project: Project,
    alice: User,
    webhook: Subscription,
    receiver: Receiver,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """DNS rebinding: the check is made on the very address that is connected to."""
    settings.WEBHOOKS_TO_PRIVATE_ADDRESSES = False
    makers.make_ranking(makers.make_comparison(project, k=2), alice)
    assert outbox.deliver_due() == 0
    assert receiver.got == []
    assert "private address" in Delivery.objects.order_by("id")[0].last_error


def test_public_means_public_whatever_form_it_comes_in() -> None:
    public = ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34"]
    private = [
        "192.168.1.1",
        "172.16.0.1",
        "::",
        "2002:7f00:1::",
        "fe80::1",
        "ff02::1",
        "198.18.0.1",
        "255.255.255.255",
    ]
    assert all(is_public(ipaddress.ip_address(a)) for a in public)
    assert not any(is_public(ipaddress.ip_address(a)) for a in private)
