"""What an export may be asked for, as a form of five fields and a fold; its meaning is checked by `Options`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from django import forms
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from common.compiled import compiled
from common.listed import MOST
from common.translated import dated
from exports.models import ExportRun
from exports.options import USUAL, BadOptions, Options
from labeling.models import GuidelineVersion, Project, Round
from labeling.named import sources_of
from managing import export_words
from managing.forms import SiteForm

CONSENSUS = [
    ("", gettext_noop("every vote is a row of its own")),
    ("borda", gettext_noop("one ranking, by the places summed (Borda)")),
    ("plackett-luce", gettext_noop("one ranking, by the likeliest strengths (Plackett-Luce)")),
    ("majority", gettext_noop("one ranking, by the majority of each pair")),
]
COMPRESSIONS = [("", gettext_noop("no")), ("gzip", "gzip"), ("zstd", "zstd")]
EARLIER = 30  # exports that a new one can go on from
TICKED = {
    "include_verbatim": gettext_noop("Include suggestions that were taken word for word"),
    "include_truncated": gettext_noop("Include answers that were cut at their limit"),
    "include_control_tokens": gettext_noop("Include texts that hold control tokens"),
    "include_reasoning": gettext_noop("Include what reasoning models said before they answered"),
    "include_unsafe": gettext_noop("Include answers that are flagged as unsafe"),
    "include_surplus": gettext_noop("Include late votes that found no place"),
    "include_research": gettext_noop("Include reviewers' own blind votes"),
    "include_ai_judges": gettext_noop("Let AI judges vote: their orders stand among people's rankings, marked"),
}


def _share(label: str, help_text: str) -> forms.FloatField:
    return forms.FloatField(label=label, required=False, min_value=0, max_value=1, help_text=help_text)


class ExportForm(SiteForm):
    configs = forms.MultipleChoiceField(
        label=gettext_noop("What to write"),
        required=False,
        choices=lambda: list(export_words.configs()),
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_noop(
            "Each is a folder of its own; its name there stands in brackets. None ticked: all but the last, which "
            "holds what is blocked."
        ),
    )
    renderings = forms.MultipleChoiceField(
        label=gettext_noop("Formats of other programs"),
        required=False,
        choices=lambda: list(export_words.of_programs()),
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_noop("The same data once more, as these programs read it."),
    )
    round = forms.ChoiceField(label=gettext_noop("From which round"), required=False)
    consensus = forms.ChoiceField(
        label=gettext_noop("Several votes on a comparison"), required=False, choices=CONSENSUS
    )
    redact = forms.BooleanField(
        label=gettext_noop("Mask e-mail addresses, phone and card numbers, and keys"), required=False,
        help_text=gettext_noop("Words of trainers and models alike. What is masked is counted."),
    )  # fmt: skip
    cutoff = forms.DateTimeField(
        label=gettext_noop("As of"), required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text=gettext_noop("The data as it stood at this instant of your clock. Empty: now."),
    )  # fmt: skip
    since = forms.ChoiceField(
        label=gettext_noop("Only what is new"),
        required=False,
        help_text=gettext_noop("Rows that an earlier export had already are left out."),
    )
    guideline_version = forms.ChoiceField(label=gettext_noop("Made under which guidelines"), required=False)
    min_label_weight = _share(
        gettext_noop("Least weight of a trainer"),
        gettext_noop("From 0 to 1: labels of trainers whose weight is less are left out."),
    )
    min_agreement = _share(
        gettext_noop("Least agreement"),
        gettext_noop("From 0 to 1: comparisons whose votes agree less are left out; so are those of one vote."),
    )
    mix = forms.CharField(
        label=gettext_noop("Imported data to mix in"), required=False,
        help_text=gettext_noop("Names of imports, each with the share of it to take: alpaca=0.5, hh=1"),
    )  # fmt: skip
    compress = forms.ChoiceField(label=gettext_noop("Compress the files"), required=False, choices=COMPRESSIONS)
    shards = forms.IntegerField(
        label=gettext_noop("Files for each split"),
        required=False,
        min_value=1,
        max_value=1000,
        help_text=gettext_noop("Usually 1."),
    )
    folded = (
        "cutoff", "since", "guideline_version", "min_label_weight", "min_agreement", "mix", "compress", "shards",
        *TICKED,
    )  # fmt: skip

    def __init__(self, project: Project, data: Mapping[str, str] | None, *, preset: Options) -> None:
        super().__init__(data, initial=_initial(preset))
        self._project = project
        for name, label in TICKED.items():
            self.fields[name] = forms.BooleanField(label=label, required=False)
        self._choose("round", [("", gettext("all rounds")), *_rounds(project)])
        self._choose("guideline_version", [("", gettext("any version")), *_guidelines(project)])
        self._choose("since", [("", gettext("everything")), *_earlier(project)])

    def _choose(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    def clean_mix(self) -> list[str]:
        parts = [part.strip() for part in str(self.cleaned_data["mix"]).split(",") if part.strip()]
        for part in parts:
            name, _, share = part.rpartition("=")
            try:
                known = bool(name.strip()) and 0 < float(share) <= 100
            except ValueError:
                known = False
            if not known:
                raise forms.ValidationError(
                    gettext(
                        "Write each as name=share, with a share above 0, for example alpaca=0.5: “%(part)s” is not."
                    )
                    % {"part": part[:80]}
                )
            if name.strip() not in (there := sources_of(self._project)):
                raise forms.ValidationError(
                    gettext("No import is called “%(name)s”. There are: %(names)s.")
                    % {"name": name.strip()[:80], "names": ", ".join(there[:MOST]) or "—"}
                )
        return parts

    def clean(self) -> dict[str, object]:
        cleaned = super().clean() or {}
        if cleaned.get("consensus") and cleaned.get("since"):
            self.add_error(
                "since",
                gettext("What is new cannot be told where several votes become one ranking: choose one of the two."),
            )
        if self.errors:
            return cleaned
        wanted = {name: value for name, value in cleaned.items() if name in TICKED or value not in ("", None, [])}
        wanted.pop("cutoff", None)
        try:
            cleaned["options"] = Options.from_dict(wanted)
        except BadOptions as refusal:
            raise forms.ValidationError(str(refusal)) from None
        return cleaned


def _initial(preset: Options) -> dict[str, object]:
    values: dict[str, object] = dict(preset.to_dict())
    if set(preset.configs) == set(USUAL):
        values["configs"] = []
    values["mix"] = ", ".join(f"{source}={weight:g}" for source, weight in preset.mix)
    values["since"] = preset.since.isoformat() if preset.since else ""
    values["min_label_weight"] = preset.min_label_weight or None
    return {name: "" if value is None else value for name, value in values.items()}


def _rounds(project: Project) -> Iterator[tuple[str, str]]:
    for number, note in _rounds_of(project):
        yield str(number), gettext("round %(number)s") % {"number": number} + (f": {note}" if note else "")


def _guidelines(project: Project) -> Iterator[tuple[str, str]]:
    for number, note in _guidelines_of(project):
        yield str(number), gettext("version %(number)s") % {"number": number} + (f": {note}" if note else "")


def _earlier(project: Project) -> Iterator[tuple[str, str]]:
    for cutoff in _cutoffs(project):
        yield (
            cutoff.isoformat(),
            gettext("what came after %(instant)s") % {"instant": dated(timezone.localtime(cutoff), "j M Y, H:i")},
        )


@compiled
def _rounds_of(project: Project) -> QuerySet[Round, tuple[int, str]]:
    return Round.objects.filter(project=project).order_by("-number").values_list("number", "note")[:100]


@compiled
def _guidelines_of(project: Project) -> QuerySet[GuidelineVersion, tuple[int, str]]:
    return GuidelineVersion.objects.filter(project=project).order_by("-number").values_list("number", "note")[:100]


@compiled
def _cutoffs(project: Project) -> QuerySet[ExportRun, datetime]:
    rows = ExportRun.objects.filter(project=project, manifest__isnull=False).order_by("-cutoff")
    return rows.values_list("cutoff", flat=True)[:EARLIER]
