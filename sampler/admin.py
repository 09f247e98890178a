"""The registry of model versions, the requests of the sampler, and how its workers are.

Managers see the model versions; only operators register, serve, warm up and retire them, since a
location is an address that workers connect to. Every write is a function of `registry` or `sampling`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminSelectWidget

from common import redis_client
from common.admin import BigTableAdmin, OperatorAdmin, record
from sampler import registry, sampling, status, tasks
from sampler.engines.base import ENGINES
from sampler.models import ModelVersion, SampleRequest

LABELS = {"serving": "success", "registered": "info", "failed": "danger", "retired": "warning"}
STATES = {"done": "success", "queued": "info", "running": "info", "failed": "danger", "cancelled": "warning"}


if TYPE_CHECKING:
    Form = forms.ModelForm[ModelVersion]
else:  # it takes its model from Meta, and no index
    Form = forms.ModelForm


class RegisterForm(Form):
    """Shape, and what `register_model` would refuse, beside the field that it concerns."""

    engine = forms.ChoiceField(
        choices=lambda: [(name, name) for name in ENGINES.choices()], widget=UnfoldAdminSelectWidget
    )

    class Meta:
        model = ModelVersion
        fields = ["slug", "engine", "location", "revision", "role", "parent", "export_id", "remote_name",
                  "api_key_env", "system_turn", "system_prompt", "context_limit", "default_params",
                  "dialect", "concurrency", "template_arguments", "extra_body"]  # fmt: skip

    def clean(self) -> dict[str, object]:
        data = super().clean() or self.cleaned_data
        if engine := data.get("engine"):
            try:
                registry.check(
                    engine=engine, location=data.get("location", ""), default_params=data.get("default_params") or {},
                    system_prompt=data.get("system_prompt", ""),
                )  # fmt: skip
            except ValueError as refusal:
                raise ValidationError(str(refusal)) from None
        return data


@admin.register(ModelVersion)
class ModelVersionAdmin(OperatorAdmin[ModelVersion]):
    managers_see = True
    may_add = True
    list_before_template = "admin/sampler/workers.html"
    list_display = ("slug", "state_label", "state_reason", "engine", "role", "weights", "queue", "created_at")
    list_filter = ("state", "engine", "role")
    search_fields = ("slug", "location", "weights_hash", "remote_name")
    actions = ("warm_up", "serve", "retire")
    readonly_shown = (
        "state", "state_reason", "weights_hash", "template_hash", "capabilities", "control_tokens", "batching",
        "loaded_at", "created_at",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[ModelVersion]:
        waiting = Count("requests", filter=Q(requests__isnull=False, requests__finished_at__isnull=True))
        rows: QuerySet[ModelVersion] = super().get_queryset(request)
        return rows.select_related("parent").annotate(waiting=waiting)

    def get_form(
        self, request: HttpRequest, obj: ModelVersion | None = None, change: bool = False, **kwargs: object
    ) -> type[Form]:
        if obj is None:
            kwargs["form"] = RegisterForm
        form: type[Form] = super().get_form(request, obj, change, **kwargs)
        return form

    def get_fields(self, request: HttpRequest, obj: ModelVersion | None = None) -> tuple[str, ...]:
        return (*RegisterForm.Meta.fields, *(self.readonly_shown if obj else ()))

    @display(description="State", label=LABELS, ordering="state")
    def state_label(self, obj: ModelVersion) -> tuple[str, str]:
        return obj.state, obj.get_state_display()

    @display(description="Weights")
    def weights(self, obj: ModelVersion) -> str:
        return obj.weights_hash[:12] or "not loaded yet"

    @display(description="Waiting or running", ordering="waiting")
    def queue(self, obj: ModelVersion) -> int:
        waiting: int = getattr(obj, "waiting", 0)  # of the queryset above
        return waiting

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, object] | None = None) -> HttpResponse:
        page: HttpResponse = super().changelist_view(request, {**(extra_context or {}), "workers": status.workers()})
        return page

    def save_model(self, request: HttpRequest, obj: ModelVersion, form: Form, change: bool) -> None:
        values = {name: form.cleaned_data[name] for name in RegisterForm.Meta.fields}
        made, created = registry.register_model(**values, ask=False)
        if created and made.engine == "openai":  # not here: a page's transaction does not wait for a server
            redis_client.send_on_commit(tasks.ask_server.delay, made.slug)
        obj.pk, obj.created_at = made.pk, made.created_at
        obj._state.adding = False

    # Actions: operators only, each on every row that was ticked.

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return self.has_add_permission(request)

    def _each(self, request: HttpRequest, rows: QuerySet[ModelVersion], verb: str, act: Callable[..., object]) -> None:
        for version in rows:
            try:
                did = act(model_version=version)
            except ValueError as refusal:
                self.message_user(request, str(refusal), messages.ERROR)
                continue
            if did:
                record(request, f"modelversion.{verb.replace(' ', '_')}", version)
                self.message_user(request, f"{version.slug}: {verb}.", messages.SUCCESS)
            else:
                self.message_user(request, f"{version.slug} is {version.get_state_display().lower()}: nothing done.")

    @action(description="Warm up: let a worker load it now", permissions=["operate"])
    def warm_up(self, request: HttpRequest, queryset: QuerySet[ModelVersion]) -> None:
        self._each(request, queryset, "warming up", sampling.warm_up)

    @action(description="Serve again", permissions=["operate"])
    def serve(self, request: HttpRequest, queryset: QuerySet[ModelVersion]) -> None:
        self._each(request, queryset, "served again", registry.serve)

    @action(description="Retire: takes no new requests", permissions=["operate"])
    def retire(self, request: HttpRequest, queryset: QuerySet[ModelVersion]) -> None:
        self._each(request, queryset, "retired", registry.retire)


@admin.register(SampleRequest)
class SampleRequestAdmin(BigTableAdmin[SampleRequest], OperatorAdmin[SampleRequest]):
    """Looked at when something fails: what was asked, how it was rendered, and why it ended as it did."""

    list_display = ("id", "state_label", "model_version", "purpose", "priority", "n", "attempts", "error", "created_at")
    list_filter = ("state", "priority", "purpose", "model_version")
    list_select_related = ("model_version",)
    search_fields = ("=id", "error")
    ordering = ("-created_at",)
    actions = ("cancel",)

    @display(description="State", label=STATES, ordering="state")
    def state_label(self, obj: SampleRequest) -> tuple[str, str]:
        return obj.state, obj.get_state_display()

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return self.has_module_permission(request)

    @action(description="Stop", permissions=["operate"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[SampleRequest]) -> None:
        count = sum(sampling.cancel(request_id=row.pk) for row in queryset)
        self.message_user(request, f"{count} of {queryset.count()} stopped; the others had ended.")
