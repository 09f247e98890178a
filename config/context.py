"""What every page knows beside its own context."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.notices import unread
from accounts.requests import user_of


def administration(request: HttpRequest) -> dict[str, object]:
    """`may_administer`: whether the admin site lets this person in; asked only by pages that offer the way there."""
    return {"may_administer": SimpleLazyObject(lambda: admin.site.has_permission(request))}


def notices(request: HttpRequest) -> dict[str, object]:
    """`unread`: what the person was told and has not read, newest first; one query, for pages that show it."""
    return {"unread": SimpleLazyObject(lambda: unread(user_of(request)))}


def mail(request: HttpRequest) -> dict[str, object]:
    """`mail_is_set_up`: whether anything that is sent arrives."""
    return {"mail_is_set_up": settings.MAIL_IS_SET_UP}
