"""Content Security Policy: one strict policy for every page, one for the admin site, one for the API.

The strict policy names no inline script or style and no other host. The admin site (django-unfold)
is built on Alpine.js, which evaluates expressions in attributes and sets styles inline, so it gets
its own policy; docs/security.md says what that gives away and why it is bearable there.
"""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from common.middleware import middleware

ADMIN_PREFIX = "/admin/"
API_PREFIX = "/api/"


def _policy(**directives: str) -> str:
    return "; ".join(f"{name.replace('_', '-')} {value}".strip() for name, value in directives.items())


def strict() -> str:
    """For the trainers' pages, login and everything that is not named below."""
    return _policy(
        default_src="'none'",
        script_src="'self'",
        style_src="'self'",
        img_src="'self' data:",  # the two-factor QR code is a data: image
        font_src="'self'",
        connect_src="'self'",
        manifest_src="'self'",
        form_action=" ".join(["'self'", *settings.CSP_FORM_ACTION]),
        base_uri="'none'",
        frame_ancestors="'none'",
    )


def admin() -> str:
    """For the admin site: Alpine.js needs eval and inline styles; still no other host."""
    return _policy(
        default_src="'none'",
        script_src="'self' 'unsafe-inline' 'unsafe-eval'",
        style_src="'self' 'unsafe-inline'",
        img_src="'self' data: blob:",
        font_src="'self'",
        connect_src="'self'",
        form_action="'self'",
        base_uri="'none'",
        frame_ancestors="'none'",
    )


API = _policy(default_src="'none'", frame_ancestors="'none'", base_uri="'none'", form_action="'none'")


def policy_for(request: HttpRequest, response: HttpResponseBase) -> str:
    if request.path_info.startswith(ADMIN_PREFIX):
        return admin()
    if request.path_info.startswith(API_PREFIX) and not response.get("Content-Type", "").startswith("text/html"):
        return API
    return strict()


def _seal(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Put the policy on a response; error pages and static files get it too."""
    response.headers.setdefault("Content-Security-Policy", policy_for(request, response))
    response.headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=()")
    return response


ContentSecurityPolicyMiddleware = middleware(answer=_seal)
