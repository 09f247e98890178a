"""Exports on the admin site: ask for one, watch it, download its files, remove them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django import forms
from django.contrib import admin
from django.forms import ModelForm
from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html_join
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeVerticalWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from accounts.models import User
from common.admin import ProjectFilter, record
from common.downloads import Download
from common.plugins import Folder
from exports import runs, storage
from exports.formats.base import FORMATS, Format
from exports.models import ExportRun
from exports.options import COMPRESSIONS, CONSENSUS, Options
from exports.renderings.base import RENDERINGS, Rendering
from exports.sources.base import Record
from exports.writing.files import Row
from labeling.admin.base import Button, PageAdmin
from labeling.errors import Invalid

if TYPE_CHECKING:
    from django.contrib.admin.options import _FieldsetSpec

    RunForm = ModelForm[ExportRun]
else:
    RunForm = ModelForm

State = ExportRun.State
TICKED = (
    "redact", "include_verbatim", "include_truncated", "include_control_tokens", "include_reasoning", "include_unsafe",
    "include_surplus", "include_research", "include_ai_judges",
)  # fmt: skip


def _choices(folder: Folder[Format[Record, Row]] | Folder[Rendering[Row]]) -> list[tuple[str, str]]:
    """Each with its sentence, without the marks that the sentence carries for the data card."""
    return [(name, f"{name}: {folder.load(name).about}".replace("`", "")) for name in folder.choices()]


def _share(help_text: str) -> forms.FloatField:
    return forms.FloatField(
        required=False, min_value=0, max_value=1, help_text=help_text, widget=UnfoldAdminIntegerFieldWidget
    )


def _number(label: str, help_text: str) -> forms.IntegerField:
    return forms.IntegerField(
        required=False, min_value=1, label=label, help_text=help_text, widget=UnfoldAdminIntegerFieldWidget
    )


def _words(help_text: str) -> forms.CharField:
    return forms.CharField(required=False, help_text=help_text, widget=UnfoldAdminTextInputWidget)


def _ticked(label: str, *, initial: bool = False, help_text: str = "") -> forms.BooleanField:
    return forms.BooleanField(
        required=False, initial=initial, label=label, help_text=help_text, widget=UnfoldBooleanWidget
    )


class ExportForm(RunForm):
    """What `Options` takes, in words. Shape here; meaning is checked by `Options.from_dict`."""

    cutoff = forms.SplitDateTimeField(
        required=False,
        help_text="The data as it stood at this instant (UTC); empty: now.",
        widget=UnfoldAdminSplitDateTimeVerticalWidget,
    )
    configs = forms.MultipleChoiceField(
        label="Configurations",
        choices=lambda: _choices(FORMATS),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="Each becomes a folder of its own. None ticked: all but moderation, which holds what is blocked.",
    )
    renderings = forms.MultipleChoiceField(
        label="Other formats",
        choices=lambda: _choices(RENDERINGS),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="The same data written once more, as other programs read it.",
    )
    round = _number("Round number", "Only what was made in this round; empty: all.")
    guideline_version = _number("Guideline version", "The version's number: only labels made under it; empty: all.")
    since = _words("Cutoff of an earlier export, as 2026-01-31T00:00:00Z: only what came after it.")
    mix = _words("Sources of imported data to mix in, each with its weight: alpaca=0.5, hh=1")
    min_label_weight = _share("0 to 1: only labels of trainers whose weight is at least this.")
    min_agreement = _share("0 to 1: only comparisons whose votes agree at least so far.")
    compress = forms.ChoiceField(
        required=False, choices=[(name, name or "no") for name in COMPRESSIONS], widget=UnfoldAdminSelectWidget
    )
    shards = _number("Shards", "Files that each split is cut into, 1 to 1000; empty: 1.")
    consensus = forms.ChoiceField(
        required=False,
        choices=[(name, name or "no: every vote") for name in CONSENSUS],
        help_text="Put the votes on a comparison together into one ranking.",
        widget=UnfoldAdminSelectWidget,
    )
    redact = _ticked("Redact", help_text="Mask e-mail, phone and card numbers and keys.")
    include_verbatim = _ticked("Include suggestions taken verbatim", initial=True)
    include_truncated = _ticked("Include answers that were cut at their limit")
    include_control_tokens = _ticked("Include texts that hold control tokens")
    include_reasoning = _ticked("Include what reasoning models said before answering")
    include_unsafe = _ticked("Include completions flagged unsafe", initial=True)
    include_surplus = _ticked("Include late votes that found no slot")
    include_research = _ticked("Include reviewers' own blind votes")
    include_ai_judges = _ticked("Let AI judges vote")

    class Meta:
        model = ExportRun
        fields = ("project", "cutoff")

    def clean(self) -> dict[str, object]:
        cleaned = super().clean() or {}
        wanted = {
            name: value
            for name, value in cleaned.items()
            if name not in {"project", "cutoff"} and (name in TICKED or value not in ("", None, []))
        }
        if "mix" in wanted:
            wanted["mix"] = [part.strip() for part in wanted["mix"].split(",") if part.strip()]
        try:
            cleaned["options"] = Options.from_dict(wanted)
            if (project := cleaned.get("project")) is not None:
                cleaned["options"].check_in(project)
        except Invalid as refusal:
            raise forms.ValidationError(str(refusal)) from None
        return cleaned


@admin.register(ExportRun)
class ExportRunAdmin(PageAdmin[ExportRun]):
    form = ExportForm
    may_add = True
    list_display = ("cutoff", "project", "trigger", "standing", "created_at")
    list_select_related = ("project",)
    list_filter = (ProjectFilter, "state", "trigger")
    fields = ("project", "trigger", "cutoff", "standing", "files", "left_out", "options", "path", "error", "started_at",
              "finished_at", "requested_by")  # fmt: skip
    readonly_fields = ("standing", "files", "left_out")
    add_fieldsets: _FieldsetSpec = (
        (None, {"fields": ("project", "cutoff", "configs", "renderings", "compress", "shards")}),
        ("Rows", {"fields": ("round", "guideline_version", "since", "mix", "min_label_weight", "min_agreement",
                             "consensus", *TICKED)}),
    )  # fmt: skip
    buttons = {
        "remove": Button(
            "Remove its files",
            lambda request, run, text: _removed(run),
            when=lambda run: run.state == State.FINISHED,
            danger=True,
            explain="The row and its manifest stay.",
        ),
        "again": Button(
            "Try again", lambda request, run, text: _again(run), when=lambda run: run.state == State.FAILED
        ),
    }

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.download_view)
        return [path("<uuid:object_id>/files/<path:name>", view, name="exports_exportrun_file"), *super().get_urls()]

    def get_fieldsets(self, request: HttpRequest, obj: ExportRun | None = None) -> _FieldsetSpec:
        return super().get_fieldsets(request, obj) if obj else self.add_fieldsets

    def save_model(self, request: HttpRequest, obj: ExportRun, form: ModelForm[ExportRun], change: bool) -> None:
        made = runs.request(
            project=obj.project,
            trigger=ExportRun.Trigger.ADMIN,
            options=form.cleaned_data["options"],
            cutoff=form.cleaned_data["cutoff"],
            by=request.user if isinstance(request.user, User) else None,
        )
        obj.pk, obj._state.adding, obj.cutoff = made.pk, False, made.cutoff

    def headline(self, obj: ExportRun) -> str:
        return f"{obj.project.title}, as of {obj.cutoff:%Y-%m-%d %H:%M:%S} UTC: {self.standing(obj)}."

    @display(description="Standing")
    def standing(self, obj: ExportRun) -> str:
        if obj.state == State.RUNNING:
            of = f" of about {obj.rows_expected:,}" if obj.rows_expected else ""
            return f"running, {obj.rows_written:,}{of} rows so far"
        if obj.state == State.FINISHED:
            return f"finished, {obj.rows_written:,} rows"
        return str(obj.get_state_display().lower())

    @display(description="Files")
    def files(self, obj: ExportRun) -> str:
        if obj.state != State.FINISHED or obj.trigger == ExportRun.Trigger.COMMAND:
            return "—"
        listed = [
            (f["path"], f"{f['rows']:,} rows, {f['bytes']:,} bytes") for f in (obj.manifest or {}).get("files", ())
        ]
        listed += [(name, "") for name in storage.WHOLE_FOLDER]
        return format_html_join(
            "",
            '<div><a class="text-primary-600 underline" href="{}">{}</a> {}</div>',
            ((reverse("admin:exports_exportrun_file", args=[obj.pk, name]), name, note) for name, note in listed),
        )

    @display(description="Left out")
    def left_out(self, obj: ExportRun) -> str:
        excluded = (obj.manifest or {}).get("excluded", {})
        return format_html_join("", "<div>{}: {}</div>", excluded.items()) if excluded else "nothing"

    def download_view(self, request: HttpRequest, object_id: UUID, name: str) -> StreamingHttpResponse:
        run = self.reachable(request, str(object_id))
        try:
            file = runs.opened(run=run, path=name)
        except FileNotFoundError:
            raise Http404 from None
        record(request, "export.downloaded", run)
        return Download(file, filename=name.replace("/", "-"), size=run.sizes.get(name))


def _removed(run: ExportRun) -> str:
    return "The files were removed." if runs.remove(run=run) else "It is not there any more."


def _again(run: ExportRun) -> str:
    return "It is queued again." if runs.retry(run=run) else "It is not failed any more."
