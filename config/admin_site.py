"""The admin site: operators, managers and reviewers of live projects come in, nobody else.

Who may enter is derived from memberships, so that `is_staff` never has to be kept in step with them.
"""

from __future__ import annotations

from urllib.parse import urlencode

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from unfold.sites import UnfoldAdminSite

from common.admin import REVIEWERS, holds_role


class Site(UnfoldAdminSite):
    index_title = "Projects at a glance"
    site_title = site_header = "Duologue"

    def has_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active) and holds_role(request, REVIEWERS)

    def login(self, request: HttpRequest, extra_context: dict[str, object] | None = None) -> HttpResponse:
        """There is one sign-in page; somebody signed in who may not enter learns nothing here."""
        if request.user.is_authenticated and not self.has_permission(request):
            raise Http404
        target = request.GET.get("next") or resolve_url("admin:index")
        return HttpResponseRedirect(f"{resolve_url(settings.LOGIN_URL)}?{urlencode({'next': target})}")
