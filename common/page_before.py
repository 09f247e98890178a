"""The page on which a button was pressed: where people are led back to."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme


def page_before(request: HttpRequest) -> str:
    """The address of the page, of this site, that the request came from; home where the browser does not say."""
    page = request.headers.get("referer", "")
    here = {request.get_host()}
    if not url_has_allowed_host_and_scheme(page, allowed_hosts=here, require_https=request.is_secure()):
        return reverse(settings.LOGIN_REDIRECT_URL)
    parts = urlsplit(page)
    path = "/" + parts.path.lstrip("/")  # never `//`, behind which a browser reads a host
    return path + (f"?{parts.query}" if parts.query else "")
