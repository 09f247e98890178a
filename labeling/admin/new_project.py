"""The short form of a new project: what it needs to begin with; the rest has defaults and can be changed later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts.models import User
from common.shapes import JsonObject
from labeling import projects
from labeling.admin.base import RowForm
from labeling.admin.form_fields import task_types
from labeling.admin.project_help import HELP
from labeling.models import Project
from sampler.models import ModelVersion

if TYPE_CHECKING:
    from django.contrib.admin.options import _FieldsetSpec as Fieldsets

FIELDSETS: Fieldsets = (
    ("The project", {"fields": ("title", "slug", "description", "task_types")}),
    (
        "What trainers do",
        {"fields": ("guidelines", "completions_per_comparison", ("overlap_share", "overlap_votes"))},
    ),
    ("Who answers", {"fields": ("model_versions",)}),
)


class NewProjectForm(RowForm[Project]):
    guidelines = forms.CharField(
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 8}),
        help_text="Markdown; what a good answer is, in your words. Can be changed at any time as a new version.",
    )
    model_versions = forms.ModelMultipleChoiceField(
        queryset=ModelVersion.objects.filter(role=ModelVersion.Role.POLICY).exclude(state=ModelVersion.State.RETIRED),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Opens round 1 with these, in equal parts. None: open a round later.",
    )
    task_types = forms.MultipleChoiceField(
        choices=task_types,
        widget=forms.CheckboxSelectMultiple,
        initial=["demonstration", "chat", "ranking"],
        help_text="What trainers are offered.",
    )

    class Meta:
        model = Project
        fields = [
            "title",
            "slug",
            "description",
            "task_types",
            "completions_per_comparison",
            "overlap_share",
            "overlap_votes",
        ]
        help_texts = HELP
        widgets = {"description": UnfoldAdminTextareaWidget(attrs={"rows": 3})}

    def create(self, *, by: User) -> Project:
        """The project, with version 1 of its guidelines."""
        settings = {name: value for name, value in self.cleaned_data.items() if name != "model_versions"}
        return projects.create_project(**{**settings, "by": by})

    def policies(self) -> list[tuple[ModelVersion, float, JsonObject]]:
        return [(version, 1.0, {}) for version in self.cleaned_data.get("model_versions", ())]
