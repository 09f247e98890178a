"""Exports of a project: ask for one, watch it being written, take it home as a zip or file by file."""

from __future__ import annotations

from functools import partial

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.audit import address_of, record
from accounts.requests import user_of
from common.downloads import Download
from common.translated import dated
from common.zips import ZipStream
from exports import runs, storage
from exports.models import ExportRun
from hub.pushes import namespaces_of
from labeling.errors import Invalid
from labeling.models import Project
from managing.access import managed, show
from managing.export_form import ExportForm
from managing.export_presets import keep_preset, preset_of
from managing.pages import exporting as pages


@require_http_methods(["GET", "HEAD", "POST"])
def exports(request: HttpRequest, slug: str) -> HttpResponse:
    """The form, filled with what the project usually asks for, and what was written before."""
    project = managed(request, slug)
    form = ExportForm(project, request.POST or None, preset=preset_of(project))
    if request.method == "POST" and form.is_valid() and (answer := _ask(request, project, form)):
        return answer
    lead = gettext("Everything of this project that may be trained on, as files that trainers of models read.")
    return show(
        request, "exports", project, title=gettext("Export"), lead=lead, form=form, exports=pages.latest(project),
        status=422 if form.errors else 200,
    )  # fmt: skip


def _ask(request: HttpRequest, project: Project, form: ExportForm) -> HttpResponse | None:
    options = form.cleaned_data["options"]
    if "keep" in request.POST:
        keep_preset(project=project, options=options, by=user_of(request))
        messages.success(request, gettext("Kept: the form begins like this from now on."))
        return redirect("managing:exports", project.slug)
    try:
        run = runs.request(
            project=project, trigger=ExportRun.Trigger.ADMIN, options=options, cutoff=form.cleaned_data["cutoff"],
            by=user_of(request),
        )  # fmt: skip
    except Invalid as refusal:
        form.add_error("cutoff", str(refusal))
        return None
    return redirect("managing:exports-one", project.slug, pages.name_of(run))


def _export(request: HttpRequest, slug: str, export: str) -> tuple[Project, ExportRun]:
    project = managed(request, slug)
    if (run := pages.find(project, export)) is None:
        raise Http404
    return project, run


@never_cache
@require_GET
def one(request: HttpRequest, slug: str, export: str) -> HttpResponse:
    """How far it is, renewed while it is being written; then its files."""
    project, run = _export(request, slug, export)
    template = "_export" if request.headers.get("HX-Request") else "export"
    title = gettext("Export of %(instant)s") % {"instant": dated(timezone.localtime(run.cutoff), "j M Y, H:i")}
    return show(request, template, project, title=title, one=pages.shown(run),
        pushes=bool(namespaces_of(project)),
    )  # fmt: skip


@require_POST
def do(request: HttpRequest, slug: str, export: str, what: str) -> HttpResponse:
    """Remove its files, or try a failed one again."""
    project, run = _export(request, slug, export)
    if what == "remove":
        done, said = runs.remove(run=run), gettext("Its files were removed.")
    elif what == "again":
        done, said = runs.retry(run=run), gettext("It waits for a worker again.")
    else:
        raise Http404
    if done:
        record(actor=user_of(request), action=f"export.{'removed' if what == 'remove' else 'retried'}", obj=run)
        messages.success(request, said)
    else:
        messages.error(request, gettext("Nothing was done: it is not as it was any more."))
    return redirect("managing:exports-one", project.slug, export)


@require_GET
def file(request: HttpRequest, slug: str, export: str, name: str) -> HttpResponseBase:
    """One file of it."""
    project, run = _export(request, slug, export)
    try:
        opened = runs.opened(run=run, path=name)
    except FileNotFoundError:
        raise Http404 from None
    record(actor=user_of(request), action="export.downloaded", obj=run, address=address_of(request))
    return Download(opened, filename=f"{project.slug}-{name.replace('/', '-')}", size=run.sizes.get(name))


@require_GET
def whole(request: HttpRequest, slug: str, export: str) -> HttpResponseBase:
    """All of it as one zip."""
    project, run = _export(request, slug, export)
    try:
        runs.opened(run=run, path=storage.MANIFEST).close()
    except FileNotFoundError:
        raise Http404 from None
    record(actor=user_of(request), action="export.downloaded", obj=run, address=address_of(request))
    name = pages.name_of(run)
    files = [
        (f"{name}/{path}", partial(storage.open_file, run.path, path)) for path in (*run.sizes, *storage.WHOLE_FOLDER)
    ]
    return Download(ZipStream(files, at=run.cutoff), filename=f"{project.slug}-{name}.zip")
