"""What is kept of what a guest writes: the notice, their own chats, and taking back one of them or everything."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_POST

from labeling import kept, withdrawal
from labeling.models import Membership
from labeling.pages import kept as kept_page
from labeling.projects import role_of
from labeling.roles import is_guests
from labeling.terms import current_terms
from labeling.views._shared import PageRequest, own_dialogue, visible_project


@require_GET
def notice(request: PageRequest, slug: str) -> HttpResponse:
    """For every member; only guests take back by themselves."""
    project = visible_project(request, slug)
    guest = role_of(project, request.user) == Membership.Role.GUEST
    context = {
        "project": project,
        "guest": guest,
        "notice": kept.SENTENCES,
        "number": kept.NUMBER,
        "accepted": kept_page.accepted(project, request.user),
        "terms": current_terms(project),
        "chats": kept_page.chats_of(project, request.user) if guest else [],
    }
    return render(request, "labeling/kept.html", context)


@require_POST
def withdraw_chat(request: PageRequest, pk: UUID) -> HttpResponse:
    """Asked twice: the first time the page says what happens."""
    dialogue = own_dialogue(request, pk)
    if not is_guests(dialogue):
        raise Http404
    if "confirmed" not in request.POST:
        chat = kept_page.chat_of(dialogue)
        return render(request, "labeling/withdraw.html", {"project": dialogue.project, "chat": chat, "guest": True})
    withdrawal.withdraw_chat(dialogue=dialogue, by=request.user)
    messages.success(request, gettext("The chat is withdrawn. Its texts are gone from here."))
    return redirect("kept", dialogue.project.slug)


@require_POST
def withdraw_all(request: PageRequest, slug: str) -> HttpResponse:
    """As `withdraw_chat`; the membership ends with it."""
    project = visible_project(request, slug)
    if role_of(project, request.user) != Membership.Role.GUEST:
        raise Http404
    if "confirmed" not in request.POST:
        return render(request, "labeling/withdraw.html", {"project": project, "guest": True})
    withdrawal.withdraw(project=project, user=request.user, by=request.user)
    messages.success(request, gettext("Everything of yours is withdrawn, and you have left the project."))
    return redirect("home")
