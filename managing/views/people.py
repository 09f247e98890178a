"""Members of a project and invitations to it: one person, a list of addresses, or one link for several."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from accounts.requests import user_of
from common.compiled import compiled
from common.translated import translated
from labeling import agreements, exposure, invitations, projects
from labeling.errors import LabelingError
from labeling.invitations import MOST_PLACES
from labeling.models import Invitation, Membership, Project
from managing import inviting
from managing.access import managed, manages, show
from managing.forms import People, SiteForm
from managing.views.new_project import tell

ABOUT_ROLES = gettext_noop(
    "A guest chats and gives feedback; a trainer also writes and ranks; a reviewer also reviews; a manager also sets "
    "up the project."
)


class InviteForm(SiteForm):
    people = People(
        label=gettext_noop("People"),
        help_text=gettext_noop(
            "E-mail addresses, or user names of people of your projects, one a line. Each address gets a link "
            "of its own that works once."
        ),
    )
    role = forms.ChoiceField(
        label=gettext_noop("As"),
        choices=Membership.Role.choices,
        initial=Membership.Role.TRAINER,
        help_text=ABOUT_ROLES,
    )
    places = forms.IntegerField(
        label=gettext_noop("How many people may use one shared link"),
        required=False,
        min_value=1,
        max_value=MOST_PLACES,
        help_text=gettext_noop(
            "Instead of addresses: a link to hand around, for guests and trainers; it ends after a week."
        ),
    )

    def clean(self) -> dict[str, object] | None:
        if not self.errors and not self.cleaned_data["people"] and not self.cleaned_data["places"]:
            raise forms.ValidationError(gettext("Write whom you invite, or for how many people one link shall be."))
        return super().clean()


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=[*Membership.Role.choices, ("", gettext_noop("No access"))], required=False)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def people(request: HttpRequest, slug: str) -> HttpResponse:
    """Members, open invitations, and a form for the next ones; their links are shown once."""
    project = managed(request, slug)
    form = InviteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            done = inviting.invite(request, project, said["people"], said["role"], shared=said["places"] or 0)
        except LabelingError as refusal:
            form.add_error(None, str(refusal))
        else:
            inviting.keep(request, project, done)
            tell(request, done)
            return redirect("managing:people", slug)
    exposed = {who: round(seconds / 60) for who, seconds in exposure.of_everybody(project).items()}
    return show(
        request, "people", project, title=gettext("People"), form=form, links=inviting.take(request, project),
        members=_members(project), exposed=exposed, status=422 if form.errors else 200,
        invitations=Invitation.objects.open().filter(project=project)[:200],
    )  # fmt: skip


@compiled
def _members(project: Project) -> QuerySet[Membership]:
    live = Membership.objects.filter(project=project, ended_at__isnull=True).select_related("user")
    return agreements.with_versions(live).order_by("user__username")[:500]


@require_POST
def withdraw_invitation(request: HttpRequest, slug: str, pk: str) -> HttpResponse:
    project = managed(request, slug)
    found = get_object_or_404(Invitation, project=project, pk=pk)
    invitations.revoke(invitation=found, by=user_of(request))
    messages.success(request, gettext("The invitation is withdrawn: its link lets nobody in any more."))
    return redirect("managing:people", slug)


@require_POST
def change_role(request: HttpRequest, slug: str, username: str) -> HttpResponse:
    """Give a member another role, or none. What one does to oneself is asked once more."""
    project = managed(request, slug)
    user = get_object_or_404(User, username=username, memberships__project=project)
    form = RoleForm(request.POST)
    if not form.is_valid():
        raise Http404
    role = form.cleaned_data["role"]
    mine = user == request.user and role != Membership.Role.MANAGER
    if mine and "confirmed" not in request.POST and not projects.is_last_manager(project, user):
        return show(request, "own_role", project, title=gettext("Give up your own role?"), role=role, name=_named(role))
    try:
        _change(project, user, role, by=user_of(request))
    except LabelingError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _told(user, role))
    vars(request).pop("_projects_by_role", None)
    return redirect("managing:people", slug) if manages(request, project) else redirect("home")


def _change(project: Project, user: User, role: str, *, by: User) -> None:
    if role:
        projects.set_membership(project=project, user=user, role=role, by=by)
    else:
        projects.end_membership(project=project, user=user, by=by)


def _told(user: User, role: str) -> str:
    if not role:
        return gettext("%(who)s has no access any more. What they made stays.") % {"who": user}
    return gettext("Role of %(who)s now: %(role)s.") % {"who": user, "role": _named(role)}


def _named(role: str) -> str:
    """As it stands within a sentence: the values are the English words."""
    return translated(role)
