"""Turns over the API: added, changed, deleted, and the feedback on them."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.idempotency import idempotent
from common.api import checked
from labeling import chats, turns
from labeling.api.base import ApiView, dialogue_of, turn_of, user_of
from labeling.api.dialogues import dialogue_body
from labeling.api.shapes import dialogues as shapes
from labeling.errors import Invalid
from labeling.feedback import give_feedback
from labeling.models import Dialogue
from sampler.models import Completion, SampleRequest


def suggestion_named(pk: UUID | None) -> Completion | None:
    """A suggestion; whether it was offered in this dialogue is looked at under the dialogue's lock."""
    if pk is None:
        return None
    found = Completion.objects.filter(pk=pk, request__purpose=SampleRequest.Purpose.SUGGESTION).first()
    if found is None:
        raise Invalid("There is no such suggestion in this dialogue.")
    return found


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
            turns.add_turn(
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
        turns.edit_turn(
            turn=turn,
            text=wanted["text"],
            completion=suggestion_named(wanted["completion"]),
            seconds=wanted["seconds"],
            expected_version=wanted["version"],
        )
        return Response(dialogue_body(dialogue_of(request, turn.dialogue_id)))

    @extend_schema(summary="Delete a turn of a draft", responses={204: None})
    def delete(self, request: Request, pk: UUID) -> Response:
        turns.delete_turn(turn=turn_of(request, pk))
        return Response(status=204)


class Feedback(ApiView):
    write_scope = "label"

    @extend_schema(summary="Thumbs on a model's turn", request=shapes.FeedbackIn, responses=shapes.FeedbackOut)
    def put(self, request: Request, pk: UUID) -> Response:
        turn = turn_of(request, pk, own=False)
        given = give_feedback(turn=turn, user=user_of(request), **checked(shapes.FeedbackIn, request))
        return Response(shapes.FeedbackOut(given).data)
