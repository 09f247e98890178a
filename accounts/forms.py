"""The forms of an account in our words; allauth does the rest.

A placeholder that repeats the label tells nothing, and is gone as soon as somebody writes: there is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from allauth.account import forms as account
from allauth.mfa.base import forms as factors
from allauth.mfa.totp import forms as totp
from allauth.mfa.webauthn import forms as webauthn
from allauth.socialaccount import forms as sign_on
from django.forms import Field
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

WORDS = {
    "login": _("User name or e-mail"),
    "username": _("User name"),
    "email": _("E-mail address"),
    "code": _("Code"),
    "name": _("Name of the key"),
    "passwordless": _("Sign in with this key alone, without a password"),
}
HELP = {"passwordless": _("The device then asks for your fingerprint, your face or its PIN.")}


class Worded:
    """Before a form of allauth: its labels are ours."""

    fields: dict[str, Field]
    words: ClassVar[Mapping[str, str]] = {}

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        words = WORDS | dict(self.words)
        for name, field in self.fields.items():
            field.widget.attrs.pop("placeholder", None)
            if name in words:
                field.label = gettext(words[name])
            if name in HELP:
                field.help_text = gettext(HELP[name])


class SignIn(Worded, account.LoginForm):
    pass


class SignUp(Worded, account.SignupForm):
    words = {"email": _("E-mail address (you can leave it out)"), "password2": _("The same password again")}


class SignUpFromElsewhere(Worded, sign_on.SignupForm):
    words = {"email": _("E-mail address (you can leave it out)")}


class AddEmail(Worded, account.AddEmailForm):
    pass


class ChangePassword(Worded, account.ChangePasswordForm):
    words = {
        "oldpassword": _("Your password now"),
        "password1": _("The new password"),
        "password2": _("The new password again"),
    }


class SetPassword(Worded, account.SetPasswordForm):
    words = {"password1": _("The new password"), "password2": _("The new password again")}


class ResetPassword(Worded, account.ResetPasswordForm):
    pass


class ResetPasswordKey(Worded, account.ResetPasswordKeyForm):
    words = {"password1": _("The new password"), "password2": _("The new password again")}


class Reauthenticate(Worded, account.ReauthenticateForm):
    words = {"password": _("Your password")}


class Authenticate(Worded, factors.AuthenticateForm):
    pass


class ReauthenticateByCode(Worded, factors.ReauthenticateForm):
    words = {"code": _("A code of your app, or a recovery code")}


class ActivateApp(Worded, totp.ActivateTOTPForm):
    words = {"code": _("The code that the app shows")}


class AddKey(Worded, webauthn.AddWebAuthnForm):
    pass


class RenameKey(Worded, webauthn.EditWebAuthnForm):
    pass
