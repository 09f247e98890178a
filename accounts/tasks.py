"""Housekeeping of accounts, once a night; e-mails of notices, by beat."""

from __future__ import annotations

from celery import shared_task
from django.core.management import call_command

from accounts import idempotency, mailing
from common.advisory_lock import try_advisory_lock


@shared_task
def tidy() -> int:
    """Forget old idempotent replies, notices and expired sessions; safe to run at any time, twice as well."""
    call_command("clearsessions")
    return idempotency.forget_old() + mailing.forget_old()


@shared_task(expires=60)
def mail_notices() -> int:
    """Send what is due. The rows are the work: running twice at once would be harmless, but a slow mail server must
    not take all processes of the default worker."""
    with try_advisory_lock("accounts.mail_notices") as mine:
        return mailing.mail_due() if mine else 0
