"""Housekeeping of accounts, once a night."""

from __future__ import annotations

from celery import shared_task
from django.core.management import call_command

from accounts import idempotency


@shared_task
def tidy() -> int:
    """Forget old idempotent replies and expired sessions; safe to run at any time, twice as well."""
    call_command("clearsessions")
    return idempotency.forget_old()
