"""The pool of openings: typed in one by one or many at once, retired rather than deleted."""

from __future__ import annotations

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts.requests import user_of
from common.admin import ProjectFilter, record
from common.shapes import Message
from labeling import projects
from labeling.admin.base import PageAdmin, RowForm, messages_html, short
from labeling.control_tokens import refuse_in_messages
from labeling.errors import Invalid
from labeling.models import Prompt


class PromptForm(RowForm[Prompt]):
    openings = forms.CharField(
        label="Prompts",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 14}),
        help_text="What the user says first. Separate several prompts by a line that holds only ---",
    )

    class Meta:
        model = Prompt
        fields = ("project", "source", "paraphrases")
        help_texts = {
            "source": "Where they come from, for the data card; may stay empty.",
            "paraphrases": "A name, if all of these ask one thing in different words; may stay empty.",
        }

    def clean_openings(self) -> list[list[Message]]:
        texts: list[list[str]] = [[]]
        for line in self.cleaned_data["openings"].replace("\r\n", "\n").split("\n"):
            if line.strip() == "---":
                texts.append([])
            else:
                texts[-1].append(line)
        kept = ["\n".join(lines).strip() for lines in texts]
        found: list[list[Message]] = [[{"role": "user", "content": text}] for text in kept if text]
        if not found:
            raise forms.ValidationError("Write at least one prompt.")
        for prompt in found:
            try:
                refuse_in_messages(prompt, field="openings")
            except Invalid as error:
                raise forms.ValidationError(str(error)) from None
        return found


class InPoolFilter(admin.SimpleListFilter):
    title = "pool"
    parameter_name = "pool"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("in", "In the pool"), ("retired", "Retired")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Prompt]) -> QuerySet[Prompt]:
        return queryset if not self.value() else queryset.filter(retired_at__isnull=self.value() == "in")


@admin.register(Prompt)
class PromptAdmin(PageAdmin[Prompt]):
    form = PromptForm
    may_add = True
    list_display = ("opening", "project", "source", "paraphrases", "in_pool", "created_at")
    list_select_related = ("project",)
    list_filter = (ProjectFilter, InPoolFilter)
    search_fields = ("source", "paraphrases", "messages")
    add_fieldsets = ((None, {"fields": ("project", "openings", "source", "paraphrases")}),)
    fields = ("project", "text", "source", "paraphrases", "author", "created_at", "retired_at")
    readonly_fields = ("text",)
    actions = ("retire",)

    def save_model(self, request: HttpRequest, obj: Prompt, form: PromptForm, change: bool) -> None:
        made = projects.add_prompts(
            project=obj.project,
            prompts=form.cleaned_data["openings"],
            source=obj.source,
            paraphrases=obj.paraphrases,
            author=user_of(request),
        )
        obj.pk, obj._state.adding, obj.messages = made[0].pk, False, made[0].messages
        messages.info(request, f"{len(made)} prompts are in the pool.")

    @admin.action(description="Take out of the pool", permissions=["retire"])
    def retire(self, request: HttpRequest, queryset: QuerySet[Prompt]) -> None:
        rows = list(queryset)
        count = projects.retire_prompts(prompts=rows)
        for prompt in rows:
            record(request, "prompt.retire", prompt)
        messages.success(request, f"{count} prompts were taken out of the pool.")

    def has_retire_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    @display(description="Prompt")
    def opening(self, obj: Prompt) -> str:
        return short(str(obj))

    @display(description="Text")
    def text(self, obj: Prompt) -> SafeString:
        return messages_html(obj.messages)

    @display(description="In the pool", boolean=True)
    def in_pool(self, obj: Prompt) -> bool:
        return obj.retired_at is None
