"""Pages about who is in a project: the invitation that a newcomer opens, and the manager's list of people."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from labeling import invitations, projects, signup
from labeling.errors import LabelingError
from labeling.models import Invitation, Membership, Project
from labeling.views._shared import PageRequest


class InviteForm(forms.Form):
    role = forms.ChoiceField(choices=Membership.Role.choices, initial=Membership.Role.TRAINER)
    email = forms.EmailField(required=False, label="Send to (optional)")


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=[*Membership.Role.choices, ("", "No access")], required=False)


@login_not_required
@never_cache
@sensitive_variables("token")
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
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
        invitations.accept(invitation=found, user=request.user)
    except LabelingError as error:
        messages.error(request, str(error))
    return redirect("home")


def managed_project(request: PageRequest, slug: str) -> Project:
    return get_object_or_404(Project.objects.managed_by(request.user), slug=slug)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def people(request: PageRequest, slug: str) -> HttpResponse:
    """Members, open invitations, and a form for the next one; its link is shown in the answer, once."""
    project = managed_project(request, slug)
    form = InviteForm(request.POST or None)
    link = ""
    if request.method == "POST" and form.is_valid():
        link = _invited(request, project, form.cleaned_data)
        form = InviteForm()
    context = {
        "project": project,
        "form": form,
        "link": link,
        "roles": Membership.Role.choices,
        "members": project.memberships.filter(ended_at__isnull=True).select_related("user").order_by("user__username"),
        "invitations": Invitation.objects.open().filter(project=project),
    }
    return render(request, "labeling/people.html", context)


def _invited(request: PageRequest, project: Project, wanted: dict[str, str]) -> str:
    made, token = invitations.invite(project=project, by=request.user, role=wanted["role"], email=wanted["email"])
    link = request.build_absolute_uri(reverse("invitation", args=[token]))
    if made.email:
        try:
            invitations.mail(invitation=made, link=link)
        except OSError:
            messages.error(request, "The mail could not be sent. Hand the link over yourself.")
        else:
            messages.success(request, f"The invitation was sent to {made.email}.")
    return link


@require_POST
def withdraw_invitation(request: PageRequest, slug: str, pk: str) -> HttpResponse:
    project = managed_project(request, slug)
    found = get_object_or_404(Invitation, project=project, pk=pk)
    invitations.revoke(invitation=found, by=request.user)
    return redirect("people", slug)


@require_POST
def change_role(request: PageRequest, slug: str, username: str) -> HttpResponse:
    """Give a member another role, or none."""
    project = managed_project(request, slug)
    user = get_object_or_404(User, username=username, memberships__project=project)
    form = RoleForm(request.POST)
    if not form.is_valid():
        raise Http404
    if role := form.cleaned_data["role"]:
        projects.set_membership(project=project, user=user, role=role, by=request.user)
    else:
        projects.end_membership(project=project, user=user, by=request.user)
    return redirect("people", slug)
