"""Projects, their progress, rounds, prompts and people over the API."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta

from django.db import transaction
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.serializer_helpers import ReturnDict

from accounts.idempotency import idempotent
from accounts.models import User
from common.api import PAGE_PARAMETERS, CursorPages, checked, page_of
from labeling import goals, invitations, projects
from labeling.api.base import ROLE, STAFF, ApiView, project_of, user_of
from labeling.api.shapes import projects as shapes
from labeling.errors import Invalid
from labeling.models import Dialogue, Project
from labeling.progress import progress_of
from sampler.models import ModelVersion


def project_body(project: Project, user: User) -> ReturnDict[str, object]:
    """A guest is told of the chat only."""
    role = projects.role_of(project, user)
    guest = role == ROLE.GUEST
    guidelines = None if guest else projects.current_guidelines(project)
    body = {
        **{name: getattr(project, name) for name in ("slug", "title", "description", "language")},
        "task_types": [name for name in project.task_types if not guest or name == Dialogue.Kind.CHAT],
        "role": role,
        "guidelines": guidelines.text if guidelines else "",
        "guideline_version": guidelines.number if guidelines else None,
    }
    return shapes.ProjectOut(body).data


class Projects(ApiView):
    @extend_schema(
        operation_id="projects_list",
        summary="Your projects",
        parameters=PAGE_PARAMETERS,
        responses=page_of(shapes.ProjectOut),
    )
    def get(self, request: Request) -> Response:
        pages = CursorPages()
        rows = pages.paginate_queryset(Project.objects.visible_to(user_of(request)).active(), request)
        return pages.get_paginated_response([project_body(row, user_of(request)) for row in rows or []])


class OneProject(ApiView):
    @extend_schema(summary="A project and its guidelines", responses=shapes.ProjectOut)
    def get(self, request: Request, slug: str) -> Response:
        return Response(project_body(project_of(request, slug, operator=True), user_of(request)))


class ProgressView(ApiView):
    @extend_schema(summary="How far the project is", responses=shapes.Progress)
    def get(self, request: Request, slug: str) -> Response:
        project = project_of(request, slug, STAFF, operator=True)
        return Response(shapes.Progress(progress_of(project)).data)


class Rounds(ApiView):
    @extend_schema(summary="Rounds, newest first", responses=shapes.RoundOut(many=True))
    def get(self, request: Request, slug: str) -> Response:
        project = project_of(request, slug, STAFF, operator=True)
        return Response(shapes.RoundOut(project.rounds.order_by("-number"), many=True).data)

    @extend_schema(
        summary="Open the next round",
        description="The open round is closed by it.",
        request=shapes.RoundIn,
        responses={201: shapes.RoundOut},
    )
    @idempotent
    def post(self, request: Request, slug: str) -> Response:
        project = project_of(request, slug, (ROLE.MANAGER,), operator=True)
        wanted = checked(shapes.RoundIn, request)
        versions = ModelVersion.objects.in_bulk([p["model_version"] for p in wanted["policies"]], field_name="slug")
        mixture = []
        for policy in wanted["policies"]:
            if policy["model_version"] not in versions:
                raise Invalid(f"There is no model version {policy['model_version']!r}.")
            mixture.append((versions[policy["model_version"]], policy["weight"], policy["params"]))
        with transaction.atomic():
            opened = projects.open_round(project=project, policies=mixture, note=wanted["note"])
            goals.set_goals(round=opened, **{name: wanted[name] for name in goals.Numbers.__annotations__})
        return Response(shapes.RoundOut(opened).data, status=201)


class RoundGoals(ApiView):
    @extend_schema(summary="How far the goals of a round are, by trainer too", responses=shapes.GoalOut(many=True))
    def get(self, request: Request, slug: str, number: int) -> Response:
        project = project_of(request, slug, STAFF, operator=True)
        found = goals.goals_of(get_object_or_404(project.rounds.all(), number=number))
        return Response(shapes.GoalOut([goal_body(goal) for goal in found], many=True).data)


def goal_body(goal: goals.Goal) -> dict[str, object]:
    def body(part: goals.Part) -> dict[str, object]:
        return {**asdict(part), "left": part.left}

    trainers = [{"user": name, **body(part)} for name, part in goal.people]
    return {"kind": goal.kind, "whole": body(goal.whole), "trainers": trainers}


class Prompts(ApiView):
    write_scope = "import"

    @extend_schema(
        summary="Add openings to the project's pool", request=shapes.PromptsIn, responses={201: shapes.PromptsOut}
    )
    @idempotent
    def post(self, request: Request, slug: str) -> Response:
        project = project_of(request, slug, (ROLE.MANAGER,), operator=True)
        added = projects.add_prompts(project=project, author=user_of(request), **checked(shapes.PromptsIn, request))
        return Response(shapes.PromptsOut({"ids": [row.pk for row in added]}).data, status=201)


class Members(ApiView):
    read_scope = "manage"

    @extend_schema(summary="Who is in the project", responses=shapes.MemberOut(many=True))
    def get(self, request: Request, slug: str) -> Response:
        project = project_of(request, slug, (ROLE.MANAGER,), operator=True)
        rows = project.memberships.filter(ended_at__isnull=True).select_related("user").order_by("user__username")
        return Response(shapes.MemberOut(rows, many=True).data)


class OneMember(ApiView):
    @extend_schema(summary="Give a member another role", request=shapes.MemberIn, responses=shapes.MemberOut)
    def put(self, request: Request, slug: str, username: str) -> Response:
        project, user = self._find(request, slug, username)
        wanted = checked(shapes.MemberIn, request)
        return Response(
            shapes.MemberOut(
                projects.set_membership(project=project, user=user, role=wanted["role"], by=user_of(request))
            ).data
        )

    @extend_schema(summary="End a membership", responses={204: None})
    def delete(self, request: Request, slug: str, username: str) -> Response:
        project, user = self._find(request, slug, username)
        projects.end_membership(project=project, user=user, by=user_of(request))
        return Response(status=204)

    def _find(self, request: Request, slug: str, username: str) -> tuple[Project, User]:
        """Only people who are or were members: others are invited, so that nobody's name can be probed."""
        project = project_of(request, slug, (ROLE.MANAGER,), operator=True)
        user = User.objects.filter(username=username, memberships__project=project).first()
        if user is None:
            raise Http404("There is no such member.")
        return project, user


class Invitations(ApiView):
    @extend_schema(
        summary="Invite somebody; the answer holds the link",
        request=shapes.InvitationIn,
        responses={201: shapes.InvitationOut},
    )
    def post(self, request: Request, slug: str) -> Response:
        project = project_of(request, slug, (ROLE.MANAGER,), operator=True)
        wanted = checked(shapes.InvitationIn, request)
        made, token = invitations.invite(
            project=project, role=wanted["role"], by=user_of(request), valid=timedelta(days=wanted["days"])
        )
        link = request.build_absolute_uri(reverse("invitation", args=[token]))
        body = {"id": made.pk, "link": link, "expires_at": made.expires_at}
        return Response(shapes.InvitationOut(body).data, status=201)
