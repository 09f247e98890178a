"""Links that set a new password, for an operator to hand on: where no mail is set up, or somebody's is lost."""

from __future__ import annotations

from allauth.account.forms import EmailAwarePasswordResetTokenGenerator
from allauth.account.utils import user_pk_to_url_str
from django.urls import reverse

from accounts.audit import record
from accounts.models import User


def reset_link(*, user: User, base: str) -> str:
    """An address under `base` at which whoever has it sets a new password of `user`, once, within three days.

    It is returned and nowhere else: not in a log, not in the audit log, which keeps that it was made.
    """
    key = EmailAwarePasswordResetTokenGenerator().make_token(user)
    path = reverse("account_reset_password_from_key", kwargs={"uidb36": user_pk_to_url_str(user), "key": key})
    record(actor=None, action="password.link", obj=user)
    return base.rstrip("/") + path
