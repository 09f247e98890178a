"""Red-team work over the API: the rules of a project, and what is said of a try."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.idempotency import idempotent
from common.api import checked
from labeling.api.base import RANKERS, ROLE, ApiView, dialogue_of, project_of, user_of
from labeling.api.shapes import red_team as shapes
from labeling.errors import Invalid
from labeling.models import Dialogue, RedTeamAttempt, RedTeamRule
from labeling.red_team import attempts, published


class Rules(ApiView):
    @extend_schema(
        summary="Rules of the red-team work that are in force, in order", responses=shapes.RuleOut(many=True)
    )
    def get(self, request: Request, slug: str) -> Response:
        project = project_of(request, slug, RANKERS, operator=True)
        rows = RedTeamRule.objects.in_force().filter(project=project)
        return Response(shapes.RuleOut(rows, many=True).data)

    @extend_schema(
        summary="Publish a rule, or the next version of one",
        request=shapes.RuleIn,
        responses={201: shapes.RuleOut},
    )
    @idempotent
    def post(self, request: Request, slug: str) -> Response:
        project = project_of(request, slug, (ROLE.MANAGER,), operator=True)
        made = published.publish_rule(project=project, by=user_of(request), **checked(shapes.RuleIn, request))
        return Response(shapes.RuleOut(made).data, status=201)


class OneRule(ApiView):
    @extend_schema(summary="End a rule: nobody is given it any more", responses={204: None})
    def delete(self, request: Request, slug: str, number: int) -> Response:
        project = project_of(request, slug, (ROLE.MANAGER,), operator=True)
        published.end_rule(project=project, number=number, by=user_of(request))
        return Response(status=204)


class Attempt(ApiView):
    write_scope = "label"

    @extend_schema(summary="What its trainer says of a red-team chat", responses=shapes.Attempt)
    def get(self, request: Request, pk: UUID) -> Response:
        return Response(_body(dialogue_of(request, pk, own=False)))

    @extend_schema(
        summary="Say how a red-team chat ended",
        description="Not all of it need be said at once; until the chat is submitted it can be said anew.",
        request=shapes.Attempt,
        responses=shapes.Attempt,
    )
    def put(self, request: Request, pk: UUID) -> Response:
        dialogue = dialogue_of(request, pk)
        attempts.say(dialogue=dialogue, **checked(shapes.Attempt, request))
        return Response(_body(dialogue))


def _body(dialogue: Dialogue) -> object:
    if dialogue.rule_id is None:
        raise Invalid("Only a red-team chat has a rule to break.")
    said = RedTeamAttempt.objects.filter(dialogue=dialogue).first() or RedTeamAttempt()
    names = ("outcome", "strategies", "how", "severity")
    return shapes.Attempt({**{name: getattr(said, name) for name in names}, "turn": said.turn_id}).data
