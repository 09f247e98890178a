"""Suggestions over the API: asked for, and read until they are done."""

from __future__ import annotations

from uuid import UUID

from django.core import signing
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.idempotency import idempotent
from common.api import checked
from labeling.api.base import ApiView, dialogue_of
from labeling.api.dialogues import texts_of
from labeling.api.shapes import dialogues as shapes
from labeling.suggestions import request_suggestions
from sampler.models import SampleRequest

SALT = "labeling.api.suggestions"


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
        asked = request_suggestions(dialogue=dialogue, **wanted)
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
            "completions": asked.completions.filter(withheld="").order_by("index"),
        }
        return Response(shapes.SuggestionsOut(body).data)
