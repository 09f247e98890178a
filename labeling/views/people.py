"""Pages about who is in a project: the invitation that a newcomer opens, and the manager's list of people."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods

from labeling import invitations, signup
from labeling.errors import LabelingError
from labeling.models import Membership
from labeling.views import dialogues
from labeling.views._shared import PageRequest


@login_not_required
@never_cache
@sensitive_variables("token")
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: PageRequest, token: str) -> HttpResponse:
    """What the link shows; joining, or opening an account first, is a POST."""
    found = invitations.find(token)
    if found is None:
        return render(request, "labeling/invitation.html", {"ended": invitations.ENDED}, status=404)
    if request.method != "POST":
        return render(request, "labeling/invitation.html", {"invitation": found})
    if not request.user.is_authenticated:
        signup.remember(request, found)
        if "have_account" in request.POST:
            return redirect(f"{reverse('account_login')}?{urlencode({'next': request.path})}")
        return redirect("account_signup")
    try:
        membership = invitations.accept(invitation=found, user=request.user)
    except LabelingError as error:
        messages.error(request, str(error))
        return redirect("home")
    if membership.role == Membership.Role.GUEST:
        return dialogues.start(request, found.project.slug, "chat")  # or the notice first
    return redirect("home")
