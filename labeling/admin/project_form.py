"""The two forms of a project: a short one to begin with, and every setting with its sentence."""

from __future__ import annotations

from typing import Any

from django import forms
from django.forms import ModelForm
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminTextareaWidget,
    UnfoldBooleanSwitchWidget,
)

from common import plugins
from labeling.models import Project
from labeling.quality.rules import ExamRules, ReviewRules
from sampler.models import ModelVersion

CONFIGS = ("preferences", "rankings", "sft", "prompts", "ratings", "raw")
HELP = {
    "slug": "Its name in addresses and commands; cannot be changed later.",
    "title": "What trainers see.",
    "description": "One or two sentences on what the data is for.",
    "language": "BCP 47 tag of the texts, for example en or pt-BR; goes on the data card.",
    "completions_per_comparison": "How many answers a trainer puts in order, 2 to 9. InstructGPT used 4 to 9.",
    "draws_per_chat": "How many of a submitted chat's model turns are drawn for ranking.",
    "turn_policy": "How turns are drawn; uniform gives every eligible turn the same chance.",
    "include_original": "The drawn turn itself is one of the completions to rank.",
    "keep_truncated": "Answers cut at the token limit may be ranked; otherwise they are sampled again.",
    "resample_limit": "How often duplicates and unusable answers of a comparison are sampled again.",
    "near_duplicate_threshold": "Similarity from 0 to 1 from which two answers count as the same.",
    "max_tokens": "Longest answer that is sampled, in tokens.",
    "suggestions_per_request": "Suggestions shown at once while a demonstration is written.",
    "stock_target": "Ready comparisons kept ahead of demand, made from the prompts while no chats wait. 0: none.",
    "ask_ratings": "Each answer gets an overall grade from 1 to 7 before the ranking.",
    "ask_strength": "Asks how much better, in Llama 2's four levels, between neighbouring places.",
    "ask_ideal_answer": "Trainers may write the answer that they wanted to see; it becomes a demonstration.",
    "votes_per_comparison": "Independent rankings of every comparison.",
    "overlap_share": "Share of comparisons (0 to 1) that get several votes, so that agreement can be measured.",
    "overlap_votes": "Votes of a comparison in that share.",
    "adaptive_overlap": "Asks for more votes where two rankings disagree.",
    "adaptive_extra_votes": "How many more, once per comparison.",
    "adaptive_tau_bound": "Rankings disagree where their tau-b is under this (-1 to 1), or grades differ by 3 or more.",
    "calibration_share": "Share of tasks (0 to 1) that are hidden items with a known order. 0.1 to 0.2 is usual.",
    "repeat_share": "Share of tasks (0 to 1) that show a trainer's own earlier comparison again.",
    "exclude_own_chats": "Nobody ranks answers to a prompt that they wrote.",
    "lease_minutes": "How long a task stays with a trainer who is not heard of.",
    "undo_minutes": "How long a submission can be taken back.",
    "split_by": "What never crosses from train to test.",
    "test_share": "Share of prompts (0 to 1) held out for testing.",
    "licence": "Of the exported data, for its card: an identifier such as cc-by-4.0.",
    "contact": "Whom a reader of the exported data may ask.",
    "exports_kept": "Nightly exports kept; older ones are removed.",
}


class _Lines(forms.CharField):
    """A list, one item a line."""

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        lines = [" ".join(line.split()) for line in str(value or "").splitlines()]
        return list(dict.fromkeys(line for line in lines if line))


def _task_types() -> list[tuple[str, str]]:
    return [(name, name.replace("_", " ").capitalize()) for name in plugins.choices("labeling.task_types")]


def _number(label: str, sentence: str, *, low: float, high: float, whole: bool = False) -> forms.Field:
    if whole:
        return forms.IntegerField(
            label=label,
            help_text=sentence,
            min_value=int(low),
            max_value=int(high),
            widget=UnfoldAdminIntegerFieldWidget,
        )
    return forms.FloatField(
        label=label, help_text=sentence, min_value=low, max_value=high, widget=UnfoldAdminDecimalFieldWidget
    )


class ProjectForm(ModelForm):
    task_types = forms.MultipleChoiceField(
        choices=_task_types, widget=forms.CheckboxSelectMultiple, help_text="What trainers are offered."
    )
    flags = _Lines(
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 15}),
        help_text="What can be ticked for each answer, one a line. A change counts up the version stored with labels.",
    )
    nightly_configs = forms.MultipleChoiceField(
        choices=[(name, name) for name in CONFIGS],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="What the nightly export writes; none ticked: everything.",
    )
    review_random_share = _number(
        "Random share", "Share of finished work (0 to 1) that is reviewed whoever did it.", low=0, high=1
    )
    review_low_agreement = forms.BooleanField(
        label="Low agreement",
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text="Rankings that disagree with another vote on the same comparison.",
    )
    review_fast_seconds = _number(
        "Fast work (seconds)", "Rankings done in less time than this. 0: never.", low=0, high=3600, whole=True
    )
    review_contradictions = forms.BooleanField(
        label="Contradictions",
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text="Rankings whose order goes against their own grades.",
    )
    review_verbatim_share = _number(
        "Verbatim suggestions",
        "Demonstrations in which at least this share (0 to 1) of assistant turns is the model's own text. 0: never.",
        low=0,
        high=1,
    )
    review_new_trainer = _number(
        "New trainers", "The first so many pieces of work of each trainer.", low=0, high=1000, whole=True
    )
    exam_required = forms.BooleanField(
        label="Exam required",
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text="Newcomers rank the exam's comparisons first, and go on only if they pass.",
    )
    exam_items = _number(
        "Exam comparisons", "How many of the exam's comparisons each newcomer ranks.", low=1, high=100, whole=True
    )
    exam_pass_pairs = _number(
        "Pass mark: pairs",
        "Share of pairs (0 to 1) that must be ordered as known. InstructGPT asked for 0.75.",
        low=0,
        high=1,
    )
    exam_demonstrations = _number(
        "Exam demonstrations", "Demonstrations to be graded by a reviewer. 0: none.", low=0, high=100, whole=True
    )
    exam_pass_grade = _number(
        "Pass mark: grade", "Mean grade of these demonstrations, 1 to 7. InstructGPT asked for 6.", low=1, high=7
    )
    exam_attempts = _number("Attempts", "How often the exam may be taken.", low=1, high=20, whole=True)
    exam_good = _number(
        "Drift alarm: good", "Share of calibration pairs (0 to 1) that a good trainer gets right.", low=0.5, high=0.99
    )
    exam_failing = _number(
        "Drift alarm: failing", "Share that a failing trainer gets right; must be lower.", low=0.3, high=0.95
    )
    exam_threshold = _number(
        "Drift alarm: threshold",
        "Evidence that rings it. 6.5 gives under 5% false alarms in 500 pairs.",
        low=1,
        high=50,
    )

    class Meta:
        model = Project
        fields = [*HELP, "task_types", "flags", "nightly_configs"]
        help_texts = HELP
        widgets = {"description": UnfoldAdminTextareaWidget(attrs={"rows": 3})}

    FIELDSETS = (
        ("Project", {"fields": ("title", "slug", "description", "language", "task_types")}),
        (
            "Sampling",
            {
                "classes": ["tab"],
                "fields": (
                    ("completions_per_comparison", "max_tokens"),
                    ("turn_policy", "draws_per_chat"),
                    ("include_original", "keep_truncated"),
                    ("resample_limit", "near_duplicate_threshold"),
                    ("stock_target", "suggestions_per_request"),
                ),
            },
        ),
        ("Ranking", {"classes": ["tab"], "fields": (("ask_ratings", "ask_strength", "ask_ideal_answer"), "flags")}),
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
        (
            "Data out",
            {
                "classes": ["tab"],
                "fields": (("split_by", "test_share"), ("licence", "contact"), "nightly_configs", "exports_kept"),
            },
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for prefix, rules in self._rules():
            for name, value in rules.as_json().items():
                self.initial[f"{prefix}_{name}"] = value

    def _rules(self) -> list[tuple[str, Any]]:
        return [("review", ReviewRules.of(self.instance.review_rules)), ("exam", ExamRules.of(self.instance.exam))]

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        data = self.cleaned_data
        if data.get("exam_good") and data.get("exam_failing") and data["exam_failing"] >= data["exam_good"]:
            self.add_error("exam_failing", "The failing share must be lower than the good one.")
        if data.get("overlap_votes", 2) < data.get("votes_per_comparison", 1):
            self.add_error("overlap_votes", "Not fewer than the votes of every comparison.")
        for column, (prefix, rules) in zip(("review_rules", "exam"), self._rules(), strict=True):
            names = list(rules.as_json())
            data[column] = {name: data[f"{prefix}_{name}"] for name in names if f"{prefix}_{name}" in data}
        return cleaned

    def changed_settings(self) -> list[str]:
        """Names of the model's fields that this form changes."""
        names = [
            name for name in self.changed_data if name in HELP or name in ("task_types", "flags", "nightly_configs")
        ]
        for prefix, column in (("review_", "review_rules"), ("exam_", "exam")):
            if any(name.startswith(prefix) for name in self.changed_data):
                names.append(column)
        return names


class NewProjectForm(ModelForm):
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
        choices=_task_types,
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

    FIELDSETS = (
        ("The project", {"fields": ("title", "slug", "description", "task_types")}),
        (
            "What trainers do",
            {"fields": ("guidelines", "completions_per_comparison", ("overlap_share", "overlap_votes"))},
        ),
        ("Who answers", {"fields": ("model_versions",)}),
    )

    def changed_settings(self) -> list[str]:
        return []

    def settings(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if name != "model_versions"}

    def policies(self) -> list[tuple[ModelVersion, float, dict[str, Any]]]:
        return [(version, 1.0, {}) for version in self.cleaned_data.get("model_versions", ())]
