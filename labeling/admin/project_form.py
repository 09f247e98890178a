"""The form of a project that there is: every setting with its sentence (`project_help.py`)."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from django import forms
from django.utils.translation import gettext_noop
from unfold.widgets import UnfoldAdminTextareaWidget

from labeling import project_values
from labeling.admin.form_fields import Criteria, Lines, export_configurations, seen_title, task_types
from labeling.admin.project_help import HELP
from labeling.admin.rules_form import COLUMNS, RulesForm
from labeling.models import Project

if TYPE_CHECKING:
    from django.contrib.admin.options import _FieldsetSpec as Fieldsets

OTHERS = (
    "task_types",
    "flags",
    "nightly_configs",
)  # settings whose fields are made here

FIELDSETS: Fieldsets = (
    ("Project", {"fields": ("title", "slug", "description", "language", "task_types")}),
    (
        "Sampling",
        {
            "classes": ["tab"],
            "fields": (
                ("completions_per_comparison", "max_tokens"),
                ("turn_policy", "draws_per_chat"),
                ("include_original", "keep_truncated"),
                ("one_of_each", "rank_red_team"),
                ("resample_limit", "near_duplicate_threshold"),
                ("stock_target", "suggestions_per_request"),
                "prompted_share",
                ("margin_share", "margin_model"),
            ),
        },
    ),
    (
        "Ranking",
        {
            "classes": ["tab"],
            "fields": (
                ("ask_ratings", "ask_strength", "ask_ideal_answer"),
                "criteria",
                "span_categories",
                "show_reasoning",
                "flags",
                "programs_acknowledge",
            ),
        },
    ),
    (
        "Votes",
        {
            "classes": ["tab"],
            "fields": (
                "votes_per_comparison",
                ("overlap_share", "overlap_votes"),
                "adaptive_overlap",
                ("adaptive_extra_votes", "adaptive_tau_bound"),
                ("calibration_share", "repeat_share"),
                "exclude_own_chats",
                ("lease_minutes", "undo_minutes"),
            ),
        },
    ),
    (
        "Review",
        {
            "classes": ["tab"],
            "fields": (
                ("review_random_share", "review_new_trainer"),
                ("review_fast_seconds", "review_verbatim_share"),
                ("review_low_agreement", "review_contradictions"),
            ),
        },
    ),
    (
        "Exam and drift",
        {
            "classes": ["tab"],
            "fields": (
                "exam_required",
                ("exam_items", "exam_pass_pairs"),
                ("exam_demonstrations", "exam_pass_grade"),
                "exam_attempts",
                ("exam_good", "exam_failing", "exam_threshold"),
            ),
        },
    ),
    ("Guests", {"classes": ["tab"], "fields": ("guest_messages_per_day",)}),
    (
        "Goal and cost",
        {"classes": ["tab"], "fields": ("daily_goal", ("rate_per_hour", "rate_per_task", "currency"))},
    ),
    ("Harmful texts", {"classes": ["tab"], "fields": ("cover", "exposure_minutes")}),
    (
        "Data out",
        {
            "classes": ["tab"],
            "fields": (("split_by", "test_share"), ("licence", "contact"), "nightly_configs", "exports_kept"),
        },
    ),
)


class ProjectForm(RulesForm):
    task_types = forms.MultipleChoiceField(
        choices=task_types, widget=forms.CheckboxSelectMultiple, help_text=gettext_noop("What trainers are offered.")
    )
    flags = Lines(
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 15}),
        help_text=gettext_noop(
            "What can be ticked for each answer, one a line. A change counts up the version stored with labels."
        ),
    )
    criteria = Criteria(
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text=HELP["criteria"],
    )
    span_categories = Lines(
        label="Marks on words",
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text=HELP["span_categories"],
    )
    nightly_configs = forms.MultipleChoiceField(
        choices=export_configurations,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_noop("What the nightly export writes; none ticked: all but moderation."),
    )

    class Meta:
        model = Project
        fields = [*HELP, *OTHERS]
        help_texts = HELP
        widgets = {"description": UnfoldAdminTextareaWidget(attrs={"rows": 3})}

    def get_initial_for_field(self, field: forms.Field, field_name: str) -> object:
        """The rules in force are two JSON columns of the project; here each rule is a field."""
        if field_name in self._in_force:
            return self._in_force[field_name]
        return super().get_initial_for_field(field, field_name)

    @cached_property
    def _in_force(self) -> dict[str, object]:
        """Each rule by the name of its field."""
        return {f"{prefix}_{name}": value for prefix, rules in self.rules() for name, value in rules.as_json().items()}

    def clean_title(self) -> str:
        return seen_title(self.cleaned_data["title"])

    def clean_language(self) -> str:
        value = str(self.cleaned_data["language"])
        return project_values.language_tag(value) if "language" in self.changed_data else value

    def clean_currency(self) -> str:
        value = str(self.cleaned_data["currency"])
        return project_values.currency(value.upper()) if "currency" in self.changed_data else value

    def clean(self) -> dict[str, object] | None:
        cleaned = super().clean()
        data = self.cleaned_data
        if data.get("exam_good") and data.get("exam_failing") and data["exam_failing"] >= data["exam_good"]:
            self.add_error("exam_failing", gettext_noop("The failing share must be lower than the good one."))
        if data.get("overlap_votes", 2) < data.get("votes_per_comparison", 1):
            self.add_error("overlap_votes", gettext_noop("Not fewer than the votes of every comparison."))
        if not -1 <= data.get("adaptive_tau_bound", 0) <= 1:
            self.add_error("adaptive_tau_bound", gettext_noop("From -1 to 1."))
        if data.get("margin_share") and not data.get("margin_model"):
            self.add_error("margin_model", gettext_noop("A share above 0 needs a reward model that chooses."))
        for prefix, rules in self.rules():
            names = list(rules.as_json())
            data[COLUMNS[prefix]] = {name: data[f"{prefix}_{name}"] for name in names if f"{prefix}_{name}" in data}
        return cleaned

    def changed_settings(self) -> list[str]:
        """Names of the model's fields that this form changes."""
        names = [name for name in self.changed_data if name in HELP or name in OTHERS]
        for prefix, column in COLUMNS.items():
            if any(name.startswith(f"{prefix}_") for name in self.changed_data):
                names.append(column)
        return names
