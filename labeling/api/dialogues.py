"""Chats and demonstrations over the API: begun, read, submitted; the reply stopped or asked for again."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.serializer_helpers import ReturnDict

from accounts.idempotency import idempotent
from accounts.models import User
from common.api import PAGE_PARAMETERS, CursorPages, checked, page_of
from labeling import chats, corrections, dialogues, given_prompts, quota, withdrawal
from labeling.api.base import ApiView, dialogue_of, project_of, user_of
from labeling.api.shapes import dialogues as shapes
from labeling.errors import Invalid
from labeling.models import Dialogue, Project, Prompt, Turn
from labeling.roles import is_guests
from sampler import streams
from sampler.models import SampleRequest


def dialogue_body(dialogue: Dialogue) -> ReturnDict[str, object]:
    """A dialogue as its author sees it, with what there is of a reply that is being written. What the model is told
    before anybody writes is the project's own, and not shown to guests."""
    guest = is_guests(dialogue)
    request = dialogue.pending_request
    reply = None
    if request is not None:
        texts = texts_of(request)
        reply = {"state": request.state, "text": texts[0] if texts else "", "error": request.failure}
    turns = [
        {"id": turn.pk, "role": turn.role, "text": turn.text, "by_model": turn.completion_id is not None}
        for turn in dialogue.turns.order_by("position")
        if not (guest and turn.role == Turn.Role.SYSTEM)
    ]
    left = quota.left(dialogue.project, dialogue.author) if guest and dialogue.author is not None else None
    fields = ("id", "project", "kind", "state", "version", "created_at", "submitted_at", "rule")
    return shapes.DialogueOut(
        {
            **{name: getattr(dialogue, name) for name in fields},
            "turns": turns,
            "reply": reply,
            "messages_left": left.messages if left else None,
        }
    ).data


def texts_of(request: SampleRequest) -> list[str]:
    """The request's texts so far: live while it runs, its rows after."""
    if request.state == SampleRequest.State.RUNNING:
        return list(streams.snapshot(request.pk)[0])
    return list(request.completions.filter(withheld="").order_by("index").values_list("text", flat=True))


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
        summary="Begin a chat, a demonstration or a red-team chat",
        request=shapes.DialogueIn,
        responses={201: shapes.DialogueOut},
    )
    @idempotent
    def post(self, request: Request, slug: str) -> Response:
        project = project_of(request, slug)
        wanted = checked(shapes.DialogueIn, request)
        if wanted["given"]:
            dialogue = _answer_given(project, user_of(request), wanted)
            return Response(dialogue_body(dialogue_of(request, dialogue.pk)), status=201)
        prompt = None
        if wanted["prompt"] is not None:
            prompt = Prompt.objects.filter(project=project, pk=wanted["prompt"], retired_at__isnull=True).first()
            if prompt is None:
                raise Invalid("There is no such prompt in this project.")
        dialogue = dialogues.start_dialogue(
            project=project, author=user_of(request), kind=wanted["kind"], prompt=prompt, by_program=True
        )
        return Response(dialogue_body(dialogue_of(request, dialogue.pk)), status=201)


def _answer_given(project: Project, author: User, wanted: Mapping[str, object]) -> Dialogue:
    if wanted["kind"] != Dialogue.Kind.DEMONSTRATION or wanted["prompt"] is not None:
        raise Invalid("Only a demonstration answers a given prompt, and which one is the project's choice.")
    return given_prompts.begin_given(project=project, author=author, by_program=True)


class OneDialogue(ApiView):
    write_scope = "label"

    @extend_schema(summary="A dialogue with its turns", responses=shapes.DialogueOut)
    def get(self, request: Request, pk: UUID) -> Response:
        return Response(dialogue_body(dialogue_of(request, pk, own=False)))

    @extend_schema(summary="Give a draft up", responses={204: None})
    def delete(self, request: Request, pk: UUID) -> Response:
        withdrawal.discard(dialogue=dialogue_of(request, pk))
        return Response(status=204)


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
        draft = corrections.undo_submission(dialogue=dialogue_of(request, pk))
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
