"""Chats and demonstrations over the API."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core import signing
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.idempotency import idempotent
from common.api import PAGE_PARAMETERS, CursorPages, checked, page_of
from labeling import chats, dialogues
from labeling.api import shapes
from labeling.api.base import ApiView, dialogue_of, project_of, turn_of, user_of
from labeling.errors import Invalid
from labeling.models import Dialogue, Prompt
from sampler import streams
from sampler.models import Completion, SampleRequest

SALT = "labeling.api.suggestions"


def dialogue_body(dialogue: Dialogue) -> dict[str, Any]:
    """A dialogue as its author sees it, with what there is of a reply that is being written."""
    request = dialogue.pending_request
    reply = None
    if request is not None:
        texts = texts_of(request)
        reply = {"state": request.state, "text": texts[0] if texts else "", "error": request.failure}
    turns = [
        {"id": turn.pk, "role": turn.role, "text": turn.text, "by_model": turn.completion_id is not None}
        for turn in dialogue.turns.order_by("position")
    ]
    fields = ("id", "project", "kind", "state", "version", "created_at", "submitted_at")
    return shapes.DialogueOut(
        {**{name: getattr(dialogue, name) for name in fields}, "turns": turns, "reply": reply}
    ).data


def texts_of(request: SampleRequest) -> list[str]:
    """The request's texts so far: live while it runs, its rows after."""
    if request.state == SampleRequest.State.RUNNING:
        return list(streams.snapshot(request.pk)[0])
    return list(request.completions.order_by("index").values_list("text", flat=True))


def suggestion_named(pk: UUID | None) -> Completion | None:
    if pk is None:
        return None
    found = Completion.objects.filter(pk=pk, request__purpose=SampleRequest.Purpose.SUGGESTION).first()
    if found is None:
        raise Invalid("There is no such suggestion.")
    return found


class Dialogues(ApiView):
    write_scope = "label"

    @extend_schema(
        summary="Your dialogues in the project, newest first",
        parameters=PAGE_PARAMETERS,
        responses=page_of(shapes.DialogueRow),
    )
    def get(self, request: Request, slug: str) -> Response:
        project = project_of(request, slug, operator=True)
        pages = CursorPages()
        rows = pages.paginate_queryset(Dialogue.objects.filter(project=project, author=user_of(request)), request)
        return pages.get_paginated_response(shapes.DialogueRow(rows, many=True).data)

    @extend_schema(
        summary="Begin a chat or a demonstration", request=shapes.DialogueIn, responses={201: shapes.DialogueOut}
    )
    @idempotent
    def post(self, request: Request, slug: str) -> Response:
        project = project_of(request, slug)
        wanted = checked(shapes.DialogueIn, request)
        prompt = None
        if wanted["prompt"] is not None:
            prompt = Prompt.objects.filter(project=project, pk=wanted["prompt"], retired_at__isnull=True).first()
            if prompt is None:
                raise Invalid("There is no such prompt in this project.")
        dialogue = dialogues.start_dialogue(
            project=project, author=user_of(request), kind=wanted["kind"], prompt=prompt
        )
        return Response(dialogue_body(dialogue), status=201)


class OneDialogue(ApiView):
    write_scope = "label"

    @extend_schema(summary="A dialogue with its turns", responses=shapes.DialogueOut)
    def get(self, request: Request, pk: UUID) -> Response:
        return Response(dialogue_body(dialogue_of(request, pk, own=False)))

    @extend_schema(summary="Give a draft up", responses={204: None})
    def delete(self, request: Request, pk: UUID) -> Response:
        dialogues.discard_dialogue(dialogue=dialogue_of(request, pk))
        return Response(status=204)


class Turns(ApiView):
    write_scope = "label"

    @extend_schema(
        summary="Add a turn; in a chat, send a message",
        description="In a chat the model's answer is then being written: read the dialogue until `reply` is null.",
        request=shapes.TurnIn,
        responses={201: shapes.DialogueOut},
    )
    @idempotent
    def post(self, request: Request, pk: UUID) -> Response:
        dialogue = dialogue_of(request, pk)
        wanted = checked(shapes.TurnIn, request)
        seconds, expected = wanted["seconds"], wanted["version"]
        if dialogue.kind == Dialogue.Kind.CHAT:
            if wanted["role"] != "user":
                raise Invalid("In a chat you write the user's turns.")
            chats.send_message(dialogue=dialogue, text=wanted["text"], seconds=seconds, expected_version=expected)
        else:
            dialogues.add_turn(
                dialogue=dialogue,
                role=wanted["role"],
                text=wanted["text"],
                seconds=seconds,
                completion=suggestion_named(wanted["completion"]),
                position=wanted["position"],
                suggestions_shown=[str(cid) for cid in wanted["suggestions_shown"]],
                expected_version=expected,
            )
        return Response(dialogue_body(dialogue_of(request, pk)), status=201)


class OneTurn(ApiView):
    write_scope = "label"

    @extend_schema(summary="Change a turn of a draft", request=shapes.TurnEdit, responses=shapes.DialogueOut)
    def patch(self, request: Request, pk: UUID) -> Response:
        turn = turn_of(request, pk)
        wanted = checked(shapes.TurnEdit, request)
        dialogues.edit_turn(
            turn=turn,
            text=wanted["text"],
            completion=suggestion_named(wanted["completion"]),
            seconds=wanted["seconds"],
            expected_version=wanted["version"],
        )
        return Response(dialogue_body(dialogue_of(request, turn.dialogue_id)))

    @extend_schema(summary="Delete a turn of a draft", responses={204: None})
    def delete(self, request: Request, pk: UUID) -> Response:
        dialogues.delete_turn(turn=turn_of(request, pk))
        return Response(status=204)


class Feedback(ApiView):
    write_scope = "label"

    @extend_schema(summary="Thumbs on a model's turn", request=shapes.FeedbackIn, responses=shapes.FeedbackOut)
    def put(self, request: Request, pk: UUID) -> Response:
        turn = turn_of(request, pk, own=False)
        given = dialogues.give_feedback(turn=turn, user=user_of(request), **checked(shapes.FeedbackIn, request))
        return Response(shapes.FeedbackOut(given).data)


class Suggestions(ApiView):
    write_scope = "label"

    @extend_schema(
        summary="Ask for suggestions for the next turn",
        request=shapes.SuggestionsIn,
        responses={201: shapes.SuggestionRequestOut(many=True)},
    )
    @idempotent
    def post(self, request: Request, pk: UUID) -> Response:
        dialogue = dialogue_of(request, pk)
        wanted = checked(shapes.SuggestionsIn, request)
        asked = dialogues.request_suggestions(dialogue=dialogue, **wanted)
        signed = [{"id": signing.dumps([str(pk), str(r.pk)], salt=SALT), "n": r.n} for r in asked]
        return Response(shapes.SuggestionRequestOut(signed, many=True).data, status=201)


class OneSuggestionRequest(ApiView):
    @extend_schema(summary="What became of suggestions", responses=shapes.SuggestionsOut)
    def get(self, request: Request, pk: UUID, key: str) -> Response:
        dialogue_of(request, pk)
        try:
            dialogue_id, request_id = signing.loads(key, salt=SALT)
        except (signing.BadSignature, ValueError):
            raise Http404("There is no such request for suggestions.") from None
        asked = SampleRequest.objects.filter(pk=request_id).first()
        if dialogue_id != str(pk) or asked is None:
            raise Http404("There is no such request for suggestions.")
        body = {
            "state": asked.state,
            "texts": texts_of(asked),
            "error": asked.failure,
            "completions": asked.completions.order_by("index"),
        }
        return Response(shapes.SuggestionsOut(body).data)


class Submit(ApiView):
    write_scope = "label"

    @extend_schema(summary="Submit a dialogue", request=None, responses=shapes.DialogueOut)
    @idempotent
    def post(self, request: Request, pk: UUID) -> Response:
        dialogues.submit_dialogue(dialogue=dialogue_of(request, pk))
        return Response(dialogue_body(dialogue_of(request, pk)))


class UndoSubmission(ApiView):
    write_scope = "label"

    @extend_schema(
        summary="Take a submission back",
        description="The answer is the draft that continues it, under an id of its own.",
        request=None,
        responses=shapes.DialogueOut,
    )
    @idempotent
    def post(self, request: Request, pk: UUID) -> Response:
        draft = dialogues.undo_submission(dialogue=dialogue_of(request, pk))
        return Response(dialogue_body(dialogue_of(request, draft.pk)))


class Stop(ApiView):
    write_scope = "label"

    @extend_schema(summary="Stop the reply that is being written", request=None, responses=shapes.DialogueOut)
    def post(self, request: Request, pk: UUID) -> Response:
        chats.stop_reply(dialogue=dialogue_of(request, pk))
        return Response(dialogue_body(dialogue_of(request, pk)))


class Retry(ApiView):
    write_scope = "label"

    @extend_schema(summary="Ask again for an answer that failed", request=None, responses=shapes.DialogueOut)
    @idempotent
    def post(self, request: Request, pk: UUID) -> Response:
        chats.retry_reply(dialogue=dialogue_of(request, pk))
        return Response(dialogue_body(dialogue_of(request, pk)))
