"""Import of a project: upload, preview as it will be seen, import, what came in, take back."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.requests import user_of
from labeling.importers.base import IMPORTERS, KINDS
from labeling.imports import runs
from labeling.models import ImportRun, Project
from managing.access import managed, show
from managing.forms import SiteForm
from managing.pages import importing as pages

RECORDS = {  # the heading of what came in
    "comparisons": gettext_noop("Comparisons of %(name)s"),
    "dialogues": gettext_noop("Dialogues of %(name)s"),
    "prompts": gettext_noop("Prompts of %(name)s"),
}


class UploadForm(SiteForm):
    file = forms.FileField(
        label=gettext_noop("File"),
        help_text=gettext_noop(
            "A table (CSV) with a column “prompt”, a text file with a prompt a line, or records as JSON Lines or JSON; "
            "plain or gzipped. Nothing is imported before you have seen it."
        ),
    )
    source = forms.CharField(
        label=gettext_noop("Name"),
        required=False,
        max_length=120,
        help_text=gettext_noop(
            "What this data is called, on the data card and wherever it is mixed in. Empty: as the file is."
        ),
    )
    format = forms.ChoiceField(
        label=gettext_noop("How the records are written"),
        required=False,
        choices=lambda: [
            ("", gettext_noop("find out")),
            *((name, f"{name.replace('_', ' ')}: {IMPORTERS.load(name).about}") for name in IMPORTERS.choices()),
        ],
    )
    kind = forms.ChoiceField(
        label=gettext_noop("Import as"),
        required=False,
        choices=[("", gettext_noop("what each record is")), *((kind, kind) for kind in KINDS)],
        help_text=gettext_noop(
            "Prompts go into the pool; demonstrations and comparisons are mixed into exports on request."
        ),
    )
    encoding = forms.CharField(
        label=gettext_noop("Encoding"), required=False, max_length=40,
        help_text=gettext_noop("Such as utf-16 or windows-1252; empty: UTF-8, or as the file says itself."),
    )  # fmt: skip
    folded = ("format", "kind", "encoding")


@require_http_methods(["GET", "HEAD", "POST"])
def imports(request: HttpRequest, slug: str) -> HttpResponse:
    """The upload, which a worker reads, and the imports before."""
    project = managed(request, slug)
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        asked: runs.Asked = {
            "format": said["format"], "kind": said["kind"], "encoding": said["encoding"], "keep": True,
            "source": (said["source"] or said["file"].name.split(".")[0])[:120],
        }  # fmt: skip
        run = runs.request(project=project, by=user_of(request), file=said["file"], asked=asked, dry_run=True)
        return redirect("managing:imports-one", slug, pages.name_of(run))
    lead = gettext("Records made elsewhere: prompts to answer, demonstrations to train on, comparisons to judge.")
    return show(
        request, "imports", project, title=gettext("Import"), lead=lead, form=form, imports=pages.latest(project),
        status=422 if form.errors else 200,
    )  # fmt: skip


def _import(request: HttpRequest, slug: str, upload: str) -> tuple[Project, ImportRun]:
    project = managed(request, slug)
    if (run := pages.find(project, upload)) is None:
        raise Http404
    return project, run


@never_cache
@require_GET
def one(request: HttpRequest, slug: str, upload: str) -> HttpResponse:
    """How far it is, renewed while it is read; then the first records, or what came in."""
    project, run = _import(request, slug, upload)
    found = pages.shown(run)
    ended = not run.dry_run and run.state == ImportRun.State.FINISHED
    source = pages.source_of(run)
    same = ImportRun.objects.brought_in(project, source)
    return show(
        request, "_import" if request.headers.get("HX-Request") else "import", project, title=run.file_name, one=found,
        source=source, there=pages.counts(project, source) if ended else (),
        others=ended and same.exclude(pk=run.pk).exists(),
    )  # fmt: skip


@require_POST
def do(request: HttpRequest, slug: str, upload: str, what: str) -> HttpResponse:
    """Import what was shown, or take back what came in."""
    _, run = _import(request, slug, upload)
    if what == "import":
        if made := runs.carry_out(preview=run, by=user_of(request)):
            return redirect("managing:imports-one", slug, pages.name_of(made))
        messages.error(
            request, gettext("Its file does not wait any more: it was imported already, or a day has passed.")
        )
    elif what == "take-back":
        if not runs.take_back(run=run, by=user_of(request)):
            messages.error(request, gettext("There is nothing to take back any more."))
    else:
        raise Http404
    return redirect("managing:imports-one", slug, upload)


@require_GET
def records(request: HttpRequest, slug: str, upload: str) -> HttpResponse:
    """What came in, as people see it."""
    project, run = _import(request, slug, upload)
    kind = request.GET.get("kind", "")
    if run.dry_run or kind not in pages.KINDS:
        raise Http404
    source = pages.source_of(run)
    page, found = pages.came_in(project, source, kind, request.GET.get("page"))
    title = gettext(RECORDS[kind]) % {"name": source}
    return show(request, "import_records", project, title=title, page=page, records=found, kind=kind, name=upload)
