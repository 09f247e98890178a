"""Two-factor sign-in: allauth's, with its secrets encrypted at rest.

The key is derived from SECRET_KEY (and SECRET_KEY_FALLBACKS after a rotation), so that a copy of the
database alone gives nobody a second factor.
"""

from __future__ import annotations

import base64
import hashlib

from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.utils.translation import gettext_lazy as _


def _cipher() -> MultiFernet:
    keys = [str(key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    return MultiFernet(
        [Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"duologue two-factor " + k.encode()).digest())) for k in keys]
    )


ERRORS = {
    "cannot_generate_recovery_codes": _("Set up an app or a key first: recovery codes stand in for them."),
    "incorrect_code": _("That code is not correct."),
}


class Adapter(DefaultMFAAdapter):
    error_messages = {**DefaultMFAAdapter.error_messages, **ERRORS}

    def encrypt(self, text: str) -> str:
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _cipher().decrypt(encrypted_text.encode()).decode()
