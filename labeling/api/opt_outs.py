"""The kinds of harm that the caller does not want to meet, over the API."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from common.api import ApiView, checked
from labeling import opt_outs
from labeling.api.base import user_of
from labeling.api.shapes import opt_outs as shapes


class OptOuts(ApiView):
    write_scope = "label"

    @extend_schema(summary="Kinds of harm that you do not want to meet", responses=shapes.OptOutsOut)
    def get(self, request: Request) -> Response:
        return Response(_standing(request))

    @extend_schema(
        summary="Choose the kinds of harm that you do not want to meet",
        description="Instead of those chosen before. Tasks with such texts go to others; those that you hold are given "
        "back, which is not a skip.",
        request=shapes.OptOutsIn,
        responses=shapes.OptOutsOut,
    )
    def put(self, request: Request) -> Response:
        wanted = checked(shapes.OptOutsIn, request)
        opt_outs.choose(person=user_of(request), kinds=wanted["harms"])
        return Response(_standing(request))


def _standing(request: Request) -> dict[str, list[str]]:
    person = user_of(request)
    return {"harms": person.opted_out_of, "offered": opt_outs.offered_to(person)}
