"""What only a red-team chat has: what its trainer says of the try, kept as they say it and submitted with the chat."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from labeling import dialogues
from labeling.errors import LabelingError
from labeling.pages.composer import nothing_unsent
from labeling.pages.forms import require_valid
from labeling.pages.red_team import AttemptForm
from labeling.red_team import attempts
from labeling.views._shared import PageRequest, own_dialogue
from labeling.views.dialogues import refuse, show


@require_POST
def attempt(request: PageRequest, pk: UUID) -> HttpResponse:
    dialogue = own_dialogue(request, pk)
    form = AttemptForm(request.POST)
    try:
        require_valid(form)
        attempts.say(dialogue=dialogue, **form.said())
        if "submit" in request.POST:
            nothing_unsent(dialogue, request.POST)
            dialogues.submit_dialogue(dialogue=dialogue)
    except LabelingError as error:
        return refuse(request, pk, error)
    if "submit" not in request.POST:
        return HttpResponse(status=204) if request.htmx else redirect("dialogue", pk)
    return show(request, dialogue, just_done=True) if request.htmx else redirect("dialogue", pk)
