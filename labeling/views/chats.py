"""What only a chat has: sending, stopping, asking again, thumbs. Also the suggestions of a demonstration."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from labeling import chats, turns
from labeling.errors import Invalid, LabelingError
from labeling.feedback import give_feedback
from labeling.models import Turn
from labeling.pages.composer import position_in
from labeling.pages.dialogue import dialogue_context, feedback_context, role_of_next
from labeling.pages.forms import ComposerForm, FeedbackForm, require_valid
from labeling.suggestions import request_suggestions
from labeling.views._shared import PageRequest, own_dialogue, wants_json
from labeling.views.dialogues import refuse, show


@require_POST
def send(request: PageRequest, pk: UUID) -> HttpResponse:
    dialogue = own_dialogue(request, pk)
    form = ComposerForm(request.POST)
    try:
        require_valid(form)
        sent = form.cleaned_data
        chats.send_message(dialogue=dialogue, text=sent["text"], seconds=sent["seconds"] or 0)
    except LabelingError as error:
        return refuse(request, pk, error)
    return show(request, dialogue) if request.htmx else redirect("dialogue", pk)


@require_POST
def stop(request: PageRequest, pk: UUID) -> HttpResponse:
    """Stop the reply; what there is of it stays."""
    dialogue = own_dialogue(request, pk)
    try:
        chats.stop_reply(dialogue=dialogue)
    except LabelingError as error:
        return refuse(request, pk, error)
    return HttpResponse(status=204) if request.htmx or wants_json(request) else redirect("dialogue", pk)


@require_POST
def retry(request: PageRequest, pk: UUID) -> HttpResponse:
    dialogue = own_dialogue(request, pk)
    try:
        chats.retry_reply(dialogue=dialogue)
    except LabelingError as error:
        return refuse(request, pk, error)
    return show(request, dialogue) if request.htmx else redirect("dialogue", pk)


@require_POST
def reply(request: PageRequest, pk: UUID) -> HttpResponse:
    """The reply has ended: make it a turn, and show the turns without touching the composer."""
    dialogue = own_dialogue(request, pk)
    chats.store_reply(dialogue=dialogue)
    context = {**dialogue_context(dialogue, user=request.user), "swap": True}
    return render(request, "labeling/_chat_turns.html", context)


@require_POST
def suggest(request: PageRequest, pk: UUID) -> HttpResponse:
    """Ask for suggestions for the turn in the composer, whose text is kept on the way."""
    dialogue = own_dialogue(request, pk)
    form = ComposerForm(request.POST)
    try:
        require_valid(form)
        kept = form.composer(dialogue.composer)
        role = role_of_next(dialogue, kept)
        if position_in(kept) not in (None, dialogue.turns.count()):
            raise Invalid("Suggestions continue the dialogue at its end; a turn put in between is yours to write.")
        requests = request_suggestions(dialogue=dialogue, role=role)
        kept = {**kept, "role": role, "requests": [str(one.pk) for one in requests]}
        turns.save_composer(dialogue=dialogue, composer=kept, expected_version=form.cleaned_data["draft_version"])
    except LabelingError as error:
        return refuse(request, pk, error)
    return show(request, dialogue, focus="suggestions") if request.htmx else redirect("dialogue", pk)


@require_GET
def suggestions(request: PageRequest, pk: UUID) -> HttpResponse:
    """The cards as the rows have them now; asked for when a stream has ended."""
    return render(request, "labeling/_suggestions.html", dialogue_context(own_dialogue(request, pk), user=request.user))


@require_POST
def feedback(request: PageRequest, pk: UUID, turn_pk: UUID) -> HttpResponse:
    dialogue = own_dialogue(request, pk)
    turn = get_object_or_404(
        Turn.objects.filter(dialogue=dialogue).select_related("completion", "dialogue__project"), pk=turn_pk
    )
    form = FeedbackForm(request.POST)
    try:
        require_valid(form)
        sent = form.cleaned_data
        give_feedback(
            turn=turn,
            user=request.user,
            thumb_up=sent["thumb"] == "up",
            reasons=sent["reasons"],
            comment=sent["comment"],
        )
    except LabelingError as error:
        return refuse(request, pk, error)
    if not request.htmx:
        return redirect("dialogue", pk)
    context = feedback_context(turn, user=request.user, just_given=True)
    return render(request, "labeling/_feedback.html", context)
