"""Who may open an account: whoever holds an invitation, and whoever the operator's sign-on server knows.

allauth asks these adapters; the invitation's digest waits in the session between the link and the form.
"""

from __future__ import annotations

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.forms import Form
from django.http import HttpRequest
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.sign_in import OneName
from labeling import invitations
from labeling.errors import Gone
from labeling.models import Invitation, Membership

SESSION_KEY = "invitation"
CHAT_KEY = "first_chat"
SIGN_ON_ERRORS = {
    "email_taken": _("An account here has that address. Sign in to it, then add %s on its page Sign-on."),
    "no_password": _("Set a password first: without one you could not sign in any more."),
    "disconnect_last": _("This is the only way into your account. Set a password first."),
    "connected_other": _("That account opens another account here already."),
}


def remember(request: HttpRequest, invitation: Invitation) -> None:
    request.session[SESSION_KEY] = invitation.digest


def remembered(request: HttpRequest) -> Invitation | None:
    """The open invitation that this browser came with."""
    found = request.session.get(SESSION_KEY)
    return Invitation.objects.open().filter(digest=found).first() if found else None


def use(request: HttpRequest, user: AbstractBaseUser) -> None:
    """Make the new account a member, or refuse the sign-up where somebody else was faster. A guest goes on to the chat
    from there."""
    invitation = remembered(request)
    request.session.pop(SESSION_KEY, None)
    if invitation is not None and isinstance(user, User):
        membership = invitations.accept(invitation=invitation, user=user)
        if membership.role == Membership.Role.GUEST:
            slug = membership.project.slug
            request.session[CHAT_KEY] = f"{reverse('agree', args=[slug])}?{urlencode({'then': 'chat'})}"


class AccountAdapter(OneName):
    def get_signup_redirect_url(self, request: HttpRequest) -> str:
        chat = request.session.pop(CHAT_KEY, None)
        return str(chat) if chat else super().get_signup_redirect_url(request)

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return remembered(request) is not None

    def save_user(
        self, request: HttpRequest, user: AbstractBaseUser, form: Form, commit: bool = True
    ) -> AbstractBaseUser:
        try:
            with transaction.atomic():
                saved = super().save_user(request, user, form, commit)
                if commit:
                    use(request, saved)
        except Gone as gone:
            messages.error(request, str(gone))
            raise ImmediateHttpResponse(redirect("account_signup")) from None
        return saved


class SocialAccountAdapter(DefaultSocialAccountAdapter):
    error_messages = {**DefaultSocialAccountAdapter.error_messages, **SIGN_ON_ERRORS}

    def is_open_for_signup(self, request: HttpRequest, sociallogin: object) -> bool:
        return True  # the operator chose the server; a new account is a member of nothing

    def save_user(self, request: HttpRequest, sociallogin: object, form: Form | None = None) -> AbstractBaseUser:
        user = super().save_user(request, sociallogin, form)
        try:
            use(request, user)  # a form's sign-up has used it already
        except Gone as gone:
            messages.error(request, str(gone))
        return user
