"""Admin pages of people, their tokens and the audit log; for operators."""

from __future__ import annotations

import secrets
from typing import cast

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts import tokens
from accounts.audit import record
from accounts.models import ApiToken, AuditEntry, User
from common.admin import BigTableAdmin, OperatorAdmin

# What allauth and Django put here is either read by nobody (groups) or changed on the person's own pages.
for model in (EmailAddress, Authenticator, SocialAccount, SocialApp, SocialToken, UserSession, Group):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


@admin.register(User)
class UserAdmin(OperatorAdmin[User]):
    """People are invited, signed on, or made by `create_user`; here they are found, helped and shut out."""

    may_change = True
    list_display = ("username", "email", "is_active", "is_superuser", "last_login", "date_joined")
    list_filter = ("is_active", "is_superuser")
    search_fields = ("username", "email", "first_name", "last_name")
    fields = ("username", "first_name", "last_name", "email", "is_active", "is_superuser", "last_login", "date_joined")
    readonly_fields = ("last_login", "date_joined")
    ordering = ("username",)
    actions = ("new_password", "remove_second_factor", "sign_out")

    @admin.action(description="Give a new password and show it once")
    def new_password(self, request: HttpRequest, rows: QuerySet[User]) -> None:
        for user in rows:
            password = secrets.token_urlsafe(15)
            user.set_password(password)
            user.save(update_fields=["password"])
            record(actor=cast(User, request.user), action="password.given", obj=user)
            self.message_user(request, f"{user.username}: {password} (shown once)", messages.WARNING)

    @admin.action(description="Remove the second factors (lost phone)")
    def remove_second_factor(self, request: HttpRequest, rows: QuerySet[User]) -> None:
        for user in rows:
            if Authenticator.objects.filter(user=user).delete()[0]:
                record(actor=cast(User, request.user), action="two_factor.removed", obj=user)
        self.message_user(request, "The second factors were removed.")

    @admin.action(description="Sign out everywhere and revoke tokens")
    def sign_out(self, request: HttpRequest, rows: QuerySet[User]) -> None:
        for user in rows:
            for session in UserSession.objects.filter(user=user):
                session.end()
            for token in ApiToken.objects.filter(user=user, revoked_at__isnull=True):
                tokens.revoke(token=token, by=cast(User, request.user))
            record(actor=cast(User, request.user), action="sessions.ended", obj=user)
        self.message_user(request, "Signed out.")


@admin.register(ApiToken)
class ApiTokenAdmin(OperatorAdmin[ApiToken]):
    """Tokens are made by `create_token`, which prints them once; here they are seen and revoked."""

    list_display = ("prefix", "user", "name", "scopes", "created_at", "last_used_at", "expires_at", "revoked_at")
    list_filter = ("revoked_at",)
    search_fields = ("prefix", "name", "user__username")
    list_select_related = ("user",)
    fields = ("prefix", "user", "name", "scopes", "created_at", "last_used_at", "expires_at", "revoked_at")
    actions = ("revoke",)

    @admin.action(description="Revoke")
    def revoke(self, request: HttpRequest, rows: QuerySet[ApiToken]) -> None:
        ended = sum(tokens.revoke(token=token, by=cast(User, request.user)) for token in rows)
        self.message_user(request, f"{ended} revoked.")


@admin.register(AuditEntry)
class AuditEntryAdmin(OperatorAdmin[AuditEntry], BigTableAdmin[AuditEntry]):
    """Read only, by the database's own refusal too."""

    list_display = ("at", "actor", "action", "object_type", "object_id", "address")
    list_filter = ("action", "at")
    search_fields = ("object_id", "actor__username", "action")
    list_select_related = ("actor",)
    fields = ("at", "actor", "action", "object_type", "object_id", "project_id", "fields", "address")
