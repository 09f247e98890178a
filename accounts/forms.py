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

WORDS = {
    "login": "User name or e-mail",
    "username": "User name",
    "email": "E-mail address",
    "code": "Code",
    "name": "Name of the key",
    "passwordless": "Sign in with this key alone, without a password",
}
HELP = {"passwordless": "The device then asks for your fingerprint, your face or its PIN."}


class Worded:
    """Before a form of allauth: its labels are ours."""

    fields: dict[str, Field]
    words: ClassVar[Mapping[str, str]] = {}

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        words = WORDS | dict(self.words)
        for name, field in self.fields.items():
            field.widget.attrs.pop("placeholder", None)
            field.label = words.get(name, field.label)
            field.help_text = HELP.get(name, field.help_text)


class SignIn(Worded, account.LoginForm):
    pass


class SignUp(Worded, account.SignupForm):
    words = {"email": "E-mail address (you can leave it out)", "password2": "The same password again"}


class SignUpFromElsewhere(Worded, sign_on.SignupForm):
    words = {"email": "E-mail address (you can leave it out)"}


class AddEmail(Worded, account.AddEmailForm):
    pass


class ChangePassword(Worded, account.ChangePasswordForm):
    words = {
        "oldpassword": "Your password now",
        "password1": "The new password",
        "password2": "The new password again",
    }


class SetPassword(Worded, account.SetPasswordForm):
    words = {"password1": "The new password", "password2": "The new password again"}


class ResetPassword(Worded, account.ResetPasswordForm):
    pass


class ResetPasswordKey(Worded, account.ResetPasswordKeyForm):
    words = {"password1": "The new password", "password2": "The new password again"}


class Reauthenticate(Worded, account.ReauthenticateForm):
    words = {"password": "Your password"}


class Authenticate(Worded, factors.AuthenticateForm):
    pass


class ReauthenticateByCode(Worded, factors.ReauthenticateForm):
    words = {"code": "A code of your app, or a recovery code"}


class ActivateApp(Worded, totp.ActivateTOTPForm):
    words = {"code": "The code that the app shows"}


class AddKey(Worded, webauthn.AddWebAuthnForm):
    pass


class RenameKey(Worded, webauthn.EditWebAuthnForm):
    pass
