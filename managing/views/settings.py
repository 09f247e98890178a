"""Every setting of a project, each with its sentence, in folds by what it is about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from django import forms
from django.contrib import messages
from django.forms.boundfield import BoundField
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from accounts.audit import record
from accounts.requests import user_of
from labeling import projects
from labeling.admin.project_form import FIELDSETS, ProjectForm
from labeling.errors import LabelingError
from labeling.models import Project
from managing.access import managed, show
from managing.forms import plain
from managing.setting_names import GROUPS, NAMES


class SettingsForm(ProjectForm):
    """The form of the tables, in the site's own fields. The short name stays as it is."""

    def __init__(self, data: Mapping[str, str] | None, *, instance: Project, saved: str = "") -> None:
        super().__init__(data, instance=instance, label_suffix="")
        self._saved = set(saved.split(","))
        del self.fields["slug"]
        for name, field in self.fields.items():
            plain(field)
            field.label = NAMES.get(name, field.label)
            if isinstance(field, forms.ModelChoiceField):
                field.empty_label = gettext("none")
            if isinstance(field, forms.FloatField):
                field.widget.attrs["step"] = "any"

    def groups(self) -> Iterator[tuple[str, list[BoundField], bool]]:
        """Each fold with its fields, and whether it has to be open: the first, and those with a refusal or with
        what was saved just now."""
        for title, options in FIELDSETS:
            names = [n for part in options["fields"] for n in ([part] if isinstance(part, str) else part)]
            fields = [self[name] for name in names if name in self.fields]
            yield (
                GROUPS.get(str(title), str(title)),
                fields,
                title == "Project" or any(field.errors or field.name in self._saved for field in fields),
            )


@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: HttpRequest, slug: str) -> HttpResponse:
    project = managed(request, slug)
    form = SettingsForm(request.POST or None, instance=project, saved=request.GET.get("saved", ""))
    if request.method == "POST" and form.is_valid():
        names = form.changed_settings()
        try:
            projects.change_settings(project=project, **{name: form.cleaned_data[name] for name in names})
        except LabelingError as refusal:
            form.add_error(None, str(refusal))
        else:
            record(actor=user_of(request), action="project.changed", obj=project, fields=names, project_id=project.pk)
            messages.success(request, gettext("Saved.") if names else gettext("Nothing was changed."))
            address = reverse("managing:settings", args=[slug])
            return redirect(f"{address}?saved={','.join(form.changed_data)}" if names else address)
    lead = gettext("Changes count from now on; what was made before keeps what it was made under.")
    return show(
        request,
        "settings",
        project,
        title=gettext("Settings"),
        lead=lead,
        form=form,
        status=422 if form.errors else 200,
    )
