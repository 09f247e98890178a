"""What every page knows beside its own context."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject


def administration(request: HttpRequest) -> dict[str, object]:
    """`may_administer`: whether the admin site lets this person in; asked only by pages that offer the way there."""
    return {"may_administer": SimpleLazyObject(lambda: admin.site.has_permission(request))}
