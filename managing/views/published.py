"""What a manager publishes by versions: the guidelines, the terms and the content warning, each written with a preview
of how it will look and of what would change. The version in force is never edited: publishing makes the next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.http import require_http_methods

from accounts.requests import user_of
from labeling.admin.guidelines import diff_html
from labeling.agreements import Text
from labeling.content_warnings import current_warning, publish_warning
from labeling.errors import LabelingError
from labeling.models import Project
from labeling.projects import current_guidelines, publish_guidelines
from labeling.terms import current_terms, publish_terms
from managing.access import managed, show
from managing.forms import PublishedForm

SHOWN = 50  # versions on a page


class GuidelinesForm(PublishedForm):
    text = forms.CharField(
        label=gettext_noop("Guidelines"),
        strip=False,
        max_length=200_000,
        widget=forms.Textarea(attrs={"rows": 20}),
        help_text=gettext_noop(
            "Markdown. Labels made from now on carry the new version's number; older ones keep theirs."
        ),
    )


class TermsForm(PublishedForm):
    text = forms.CharField(
        label=gettext_noop("Terms"),
        strip=False,
        max_length=200_000,
        widget=forms.Textarea(attrs={"rows": 20}),
        help_text=gettext_noop(
            "Markdown. Everybody accepts them before the first task. They stand in the card of every export, with how "
            "many people accepted which version."
        ),
    )
    ask_again = forms.BooleanField(
        label=gettext_noop("Whoever accepted an earlier version accepts this one too"),
        required=False,
        initial=True,
        help_text=gettext_noop("Before the next task. Leave it out for a change that alters nothing, such as a typo."),
    )


class WarningForm(PublishedForm):
    text = forms.CharField(
        label=gettext_noop("What may be met here"),
        required=False,
        strip=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text=gettext_noop(
            "Markdown. It stands on the home page, and everybody reads it before their first task. Empty it to take "
            "the warning back."
        ),
    )


@dataclass(frozen=True)
class Page:
    """What differs between the three; `name` is that of the template and of the address."""

    name: str
    title: str
    form: type[PublishedForm]
    current: Callable[[Project], Text | None]
    publish: Callable[..., Text]
    versions: Callable[[Project], Sequence[Text]]
    in_force: str  # what is told once it is
    then: str  # the page that follows


def _guidelines(project: Project) -> Sequence[Text]:
    return list(project.guidelines.select_related("created_by").order_by("-number").defer("text")[:SHOWN])


def _terms(project: Project) -> Sequence[Text]:
    rows = project.terms.select_related("created_by").annotate(accepted=Count("acceptances"))
    return list(rows.order_by("-number").defer("text")[:SHOWN])


def _warnings(project: Project) -> Sequence[Text]:
    rows = project.warnings.select_related("created_by").annotate(read=Count("readings"))
    return list(rows.order_by("-number").defer("text")[:SHOWN])


GUIDELINES = Page(
    "guidelines", gettext_noop("Guidelines"), GuidelinesForm, current_guidelines, publish_guidelines, _guidelines,
    gettext_noop("Version %(number)s of the guidelines is in force."), then="managing:project",
)  # fmt: skip
TERMS = Page(
    "terms", gettext_noop("Terms"), TermsForm, current_terms, publish_terms, _terms,
    gettext_noop("Version %(number)s of the terms is in force."), then="managing:terms",
)  # fmt: skip
WARNING = Page(
    "warning", gettext_noop("Content warning"), WarningForm, current_warning, publish_warning, _warnings,
    gettext_noop("Version %(number)s of the content warning is in force."), then="managing:warning",
)  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
def published(request: HttpRequest, slug: str, page: Page) -> HttpResponse:
    """The version in force to edit, how it will look, and what would change; publishing makes the next version."""
    project = managed(request, slug)
    current = page.current(project)
    form = page.form(request.POST or None, initial={"text": current.text if current else ""})
    preview = request.POST.get("text", "") if "preview" in request.POST else ""
    if request.method == "POST" and "preview" not in request.POST and form.is_valid():
        try:
            made = page.publish(project=project, by=user_of(request), **form.cleaned_data)
        except LabelingError as refusal:
            form.add_error("text", str(refusal))
        else:
            messages.success(request, gettext(page.in_force) % {"number": made.number})
            return redirect(page.then, slug)
    return show(
        request, page.name, project, title=gettext(page.title), form=form, preview=preview,
        versions=page.versions(project), next=current.number + 1 if current else 1,
        difference=diff_html(current.text, preview.replace("\r\n", "\n")) if preview and current else "",
        status=422 if form.errors and not preview else 200,
    )  # fmt: skip
