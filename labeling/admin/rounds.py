"""Rounds: opened with a mixture of model versions, closed by a button, never edited."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.contrib import admin
from django.core.validators import MinValueValidator
from django.db.models import Field, ForeignKey, Model, QuerySet
from django.forms import BaseInlineFormSet
from django.http import HttpRequest
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget

from common.admin import MANAGER, REVIEWERS, ProjectFilter, ScopedTabularInline, within
from common.shapes import JsonObject
from labeling import projects
from labeling.admin.base import Button, PageAdmin, RowForm
from labeling.errors import Invalid
from labeling.models import Project, Round, RoundPolicy
from sampler.models import ModelVersion

if TYPE_CHECKING:
    PolicyForms = BaseInlineFormSet[RoundPolicy, Round, forms.ModelForm[RoundPolicy]]
else:
    PolicyForms = BaseInlineFormSet


class MixtureForm(PolicyForms):
    """Checks the mixture as `open_round` does, so that mistakes are shown beside the form."""

    def clean(self) -> None:
        super().clean()
        if not any(self.errors):
            try:
                projects.check_mixture(self.mixture())
            except Invalid as refusal:
                raise forms.ValidationError(str(refusal)) from None

    def mixture(self) -> list[tuple[ModelVersion, float, JsonObject]]:
        rows = [form.cleaned_data for form in self.forms if form.cleaned_data.get("model_version")]
        return [(row["model_version"], row["weight"], row.get("params") or {}) for row in rows if not row.get("DELETE")]


class PolicyInline(ScopedTabularInline[RoundPolicy]):
    model = RoundPolicy
    formset = MixtureForm
    project_lookup = "round__project"
    view_roles = REVIEWERS
    may_add = may_change = True
    min_num = 1
    extra = 1
    fields = ("model_version", "weight", "params")
    verbose_name = "model version"
    verbose_name_plural = "Mixture: each completion is drawn from these in proportion to their weights"

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return obj is None and super().has_add_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return obj is None and super().has_change_permission(request, obj)

    def formfield_for_dbfield(
        self, db_field: Field[object, object], request: HttpRequest, **kwargs: object
    ) -> forms.Field | None:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "weight" and field is not None:
            field.validators.append(MinValueValidator(0.001, "A weight has to be over 0."))
        if db_field.name == "params" and field is not None:
            field.label = "Sampling parameters"
            field.help_text = 'Only what differs from the model\'s own, for example {"temperature": 0.7}.'
            field.widget = UnfoldAdminTextareaWidget(attrs={"rows": 2})
        return field

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Model, Model], request: HttpRequest, **kwargs: object
    ) -> forms.ModelChoiceField[Model] | None:
        if db_field.name == "model_version":
            policies = ModelVersion.objects.filter(role=ModelVersion.Role.POLICY)
            kwargs["queryset"] = policies.exclude(state=ModelVersion.State.RETIRED)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


def _close(request: HttpRequest, round_: Round, _text: str) -> str:
    projects.close_round(round=round_)
    return f"{round_} is closed. Comparisons already made can still be ranked."


@admin.register(Round)
class RoundAdmin(PageAdmin[Round]):
    view_roles = REVIEWERS
    may_add = True
    list_display = ("__str__", "project", "state", "mixture", "note", "opened_at", "closed_at")
    list_select_related = ("project",)
    list_filter = (ProjectFilter,)
    search_fields = ("note", "project__title", "project__slug")
    fields = ("project", "note", "number", "opened_at", "closed_at")
    add_fieldsets = (
        (
            None,
            {
                "fields": ("project", "note"),
                "description": "Opening a round closes the one that is open. What is made from now on belongs to it.",
            },
        ),
    )
    inlines = (PolicyInline,)
    buttons = {
        "close": Button(
            "Close this round",
            _close,
            when=lambda r: r.closed_at is None,
            danger=True,
            explain="No new completions are sampled until the next round opens.",
        )
    }

    def get_queryset(self, request: HttpRequest) -> QuerySet[Round]:
        return super().get_queryset(request).prefetch_related("policies__model_version")

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Model, Model], request: HttpRequest, **kwargs: object
    ) -> forms.ModelChoiceField[Model] | None:
        if db_field.name == "project":
            kwargs["queryset"] = within(MANAGER, request, Project.objects.active(), "pk")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Round, form: RowForm[Round], change: bool) -> None:
        """The row is made by `open_round`, once its mixture is known."""

    def save_related(
        self, request: HttpRequest, form: RowForm[Round], formsets: list[MixtureForm], change: bool
    ) -> None:
        if change:
            return
        mixture = [policy for formset in formsets for policy in formset.mixture()]
        made = projects.open_round(project=form.instance.project, policies=mixture, note=form.instance.note)
        form.instance.__dict__.update({k: v for k, v in made.__dict__.items() if k != "_state"})
        form.instance._state.adding = False
        for formset in formsets:  # what Django's change message reads
            formset.new_objects, formset.changed_objects, formset.deleted_objects = [], [], []

    def headline(self, obj: Round) -> str:
        return (
            f"{obj.project}: open since {obj.opened_at:%d %B %Y}."
            if obj.closed_at is None
            else f"{obj.project}: closed."
        )

    @display(description="State", label={"open": "success", "closed": "info"})
    def state(self, obj: Round) -> str:
        return "open" if obj.closed_at is None else "closed"

    @display(description="Mixture")
    def mixture(self, obj: Round) -> str:
        policies = list(obj.policies.all())
        total = sum(policy.weight for policy in policies) or 1
        return ", ".join(f"{policy.model_version.slug} {policy.weight / total:.0%}" for policy in policies)
