"""Demonstrations and chats: one page each, and the steps that both share."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from labeling import corrections, dialogues, given_prompts, turns, withdrawal
from labeling.errors import Blocked, Conflict, Gone, LabelingError, NotAgreed
from labeling.models import Dialogue, Turn
from labeling.pages.composer import not_editing, nothing_unsent, suggestion, suggestions_shown, with_suggestion
from labeling.pages.dialogue import dialogue_context
from labeling.pages.forms import ComposerForm, readable, require_valid
from labeling.views._shared import (
    UNDONE,
    Context,
    PageRequest,
    go,
    go_to_agree,
    own_dialogue,
    page,
    visible_project,
    wants_json,
)


@require_POST
def start(request: PageRequest, slug: str, kind: str) -> HttpResponse:
    """Begin a demonstration or a chat; a demonstration may open with a prompt of the project's pool."""
    project = visible_project(request, slug)
    try:
        dialogue = given_prompts.begin(project=project, author=request.user, kind=kind)
    except NotAgreed:
        return go_to_agree(request, slug, kind)
    except LabelingError as error:
        return page(request, "labeling/nothing.html", {"project": project, "errors": [str(error)]}, status=422)
    return go(request, "dialogue", dialogue.pk)


@require_GET
def dialogue(request: PageRequest, pk: UUID) -> HttpResponse:
    return show(request, own_dialogue(request, pk))


def show(request: PageRequest, dialogue: Dialogue, *, status: int = 200, **extra: object) -> HttpResponse:
    """The page of a dialogue as it stands: being written, or done."""
    context: Context = {**dialogue_context(dialogue, user=request.user), **extra}
    name = dialogue.kind if dialogue.state == Dialogue.State.DRAFT else "dialogue"
    return page(request, f"labeling/{name}.html", context, status=status)


def refuse(request: PageRequest, pk: UUID, error: LabelingError) -> HttpResponse:
    """The page again with a sentence on it, and what was sent still in the composer."""
    fresh = own_dialogue(request, pk)
    sent = ComposerForm(request.POST)
    if sent.is_valid():
        fresh.composer = sent.composer(fresh.composer)
    else:
        fresh.composer = {**fresh.composer, **readable(request.POST)}
    blocked = error.verdict if isinstance(error, Blocked) else None
    status = 409 if isinstance(error, Conflict) else 422
    return show(request, fresh, status=status, errors=[str(error)], blocked=blocked)


@require_POST
def composer(request: PageRequest, pk: UUID) -> HttpResponse:
    """Keep unsent text. Also opens and leaves editing and inserting, and puts a suggestion in."""
    dialogue = own_dialogue(request, pk)
    if request.POST.get("peek"):
        return JsonResponse({"version": dialogue.version})
    form = ComposerForm(request.POST)
    if not form.is_valid():
        return JsonResponse({"error": form.errors.as_text()}, status=422)
    kept = with_suggestion(dialogue, form.composer(dialogue.composer), request.POST.get("use"))
    sent = form.cleaned_data
    try:
        version = turns.save_composer(dialogue=dialogue, composer=kept, expected_version=sent["draft_version"])
    except LabelingError as error:
        if wants_json(request):
            return JsonResponse({"error": str(error)}, status=410 if isinstance(error, Gone) else 409)
        return refuse(request, pk, error)
    if wants_json(request):
        return JsonResponse({"version": version, "at": f"{timezone.localtime():%H:%M:%S}"})
    return show(request, dialogue) if request.htmx else redirect("dialogue", pk)


@require_POST
def add_turn(request: PageRequest, pk: UUID) -> HttpResponse:
    """The composer's text becomes a turn of the demonstration."""
    dialogue = own_dialogue(request, pk)
    form = ComposerForm(request.POST)
    try:
        require_valid(form)
        sent = form.cleaned_data
        turns.add_turn(
            dialogue=dialogue,
            role=sent["role"],
            text=sent["text"],
            completion=suggestion(dialogue, sent["completion"]),
            suggestions_shown=suggestions_shown(dialogue),
            position=sent["position"],
            seconds=sent["seconds"] or 0,
            pasted_chars=sent["pasted"] or 0,
            expected_version=sent["draft_version"],
        )
    except LabelingError as error:
        return refuse(request, pk, error)
    return show(request, dialogue) if request.htmx else redirect("dialogue", pk)


@require_POST
def edit_turn(request: PageRequest, pk: UUID, turn_pk: UUID) -> HttpResponse:
    dialogue = own_dialogue(request, pk)
    turn = get_object_or_404(Turn.objects.filter(dialogue=dialogue).select_related("dialogue"), pk=turn_pk)
    form = ComposerForm(request.POST)
    try:
        require_valid(form)
        sent = form.cleaned_data
        turns.edit_turn(
            turn=turn, text=sent["edit_text"], seconds=sent["seconds"] or 0, expected_version=sent["draft_version"]
        )
        dialogue.refresh_from_db()
        turns.save_composer(dialogue=dialogue, composer=not_editing(dialogue.composer))
    except LabelingError as error:
        return refuse(request, pk, error)
    return show(request, dialogue) if request.htmx else redirect("dialogue", pk)


@require_POST
def delete_turn(request: PageRequest, pk: UUID, turn_pk: UUID) -> HttpResponse:
    dialogue = own_dialogue(request, pk)
    turn = get_object_or_404(Turn.objects.filter(dialogue=dialogue).select_related("dialogue"), pk=turn_pk)
    try:
        turns.delete_turn(turn=turn)
    except LabelingError as error:
        return refuse(request, pk, error)
    dialogue.refresh_from_db()
    return show(request, dialogue) if request.htmx else redirect("dialogue", pk)


@require_POST
def submit(request: PageRequest, pk: UUID) -> HttpResponse:
    dialogue = own_dialogue(request, pk)
    try:
        nothing_unsent(dialogue, request.POST)
        dialogues.submit_dialogue(dialogue=dialogue)
    except LabelingError as error:
        return refuse(request, pk, error)
    return show(request, dialogue, just_done=True) if request.htmx else redirect("dialogue", pk)


@require_POST
def undo(request: PageRequest, pk: UUID) -> HttpResponse:
    """Take a submission back: go on in a copy."""
    try:
        draft = corrections.undo_submission(dialogue=own_dialogue(request, pk))
    except LabelingError as error:
        return refuse(request, pk, error)
    return go(request, "dialogue", draft.pk, query=UNDONE)


@require_POST
def discard(request: PageRequest, pk: UUID) -> HttpResponse:
    try:
        withdrawal.discard(dialogue=own_dialogue(request, pk))
    except LabelingError as error:
        return refuse(request, pk, error)
    return go(request, "home")


@require_POST
def exchange(request: PageRequest, pk: UUID) -> HttpResponse:
    """Give the given prompt back and take another."""
    try:
        dialogue = given_prompts.exchange(dialogue=own_dialogue(request, pk))
    except LabelingError as error:
        return refuse(request, pk, error)
    return go(request, "dialogue", dialogue.pk)
