"""Model versions over the API: which exist, and (for operators) a new one."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from common.api import ApiView, Scoped, Shape, checked
from common.auth import ManagesSomething, Operates
from sampler import registry
from sampler.models import ModelVersion


class ModelVersionOut(serializers.ModelSerializer[ModelVersion]):
    parent: Any = serializers.SlugRelatedField(slug_field="slug", read_only=True, allow_null=True)

    class Meta:
        model = ModelVersion
        fields = ["slug", "role", "engine", "revision", "parent", "export_id", "weights_hash", "state", "state_reason",
                  "created_at"]  # fmt: skip
        read_only_fields = fields


class ModelVersionIn(Shape):
    slug = serializers.RegexField(r"^[a-z0-9][a-z0-9._-]*$", max_length=80)
    engine = serializers.CharField(max_length=30, help_text="hf, openai or fake.")
    location = serializers.CharField(max_length=500, default="", allow_blank=True)
    role = serializers.ChoiceField(ModelVersion.Role.choices, default=ModelVersion.Role.POLICY)
    revision = serializers.CharField(max_length=100, default="", allow_blank=True)
    parent: Any = serializers.CharField(max_length=80, default="", allow_blank=True, help_text="Slug of its parent.")
    remote_name = serializers.CharField(max_length=200, default="", allow_blank=True, help_text="At a model server.")
    dialect = serializers.CharField(max_length=30, default="", allow_blank=True, help_text="Empty: it is asked.")
    default_params = serializers.DictField(default=dict, help_text="Sampling parameters, e.g. temperature.")
    export_id = serializers.UUIDField(default=None, allow_null=True, help_text="The export that it was trained on.")


class ModelVersions(ApiView):
    def get_permissions(self) -> list[BasePermission]:
        """Reading is for managers. An engine's location is an address that workers connect to, so
        naming one is for operators."""
        writes = self.request.method == "POST"
        return [Scoped(), Operates()] if writes else [Scoped(), ManagesSomething()]

    @extend_schema(summary="All model versions", responses=ModelVersionOut(many=True))
    def get(self, request: Request) -> Response:
        rows = ModelVersion.objects.select_related("parent").order_by("slug")
        return Response(ModelVersionOut(rows, many=True).data)

    @extend_schema(
        summary="Register a model version",
        request=ModelVersionIn,
        responses={
            201: OpenApiResponse(ModelVersionOut, "Registered."),
            200: OpenApiResponse(ModelVersionOut, "Was registered so before."),
        },
    )
    def post(self, request: Request) -> Response:
        wanted: dict[str, Any] = checked(ModelVersionIn, request)
        slug = wanted.pop("parent")
        parent = ModelVersion.objects.filter(slug=slug).first() if slug else None
        if slug and parent is None:
            raise ValidationError({"parent": [f"There is no model version {slug!r}."]})
        try:
            version, created = registry.register_model(parent=parent, **wanted)
        except ValueError as error:
            raise ValidationError(str(error)) from None
        return Response(ModelVersionOut(version).data, status=201 if created else 200)
