"""What is read and agreed to before the next task, or a guest's first chat; agreed to, that follows in the same
request."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from labeling import agreements, kept
from labeling.agreements import NOTICE, RETURN, TERMS, Owed, Text
from labeling.errors import LabelingError
from labeling.models import Project
from labeling.pages import changed_text, differences
from labeling.pages.forms import chosen, number
from labeling.terms import current_terms
from labeling.views import dialogues, mending, ranking
from labeling.views._shared import Context, PageRequest, visible_project

THEN: dict[str, Callable[[PageRequest, str], HttpResponse]] = {
    "ranking": ranking.next_task,
    "practice": mending.practise,
    "chat": partial(dialogues.start, kind="chat"),
    "red_team": partial(dialogues.start, kind="red_team"),
    "demonstration": partial(dialogues.start, kind="demonstration"),
}


@require_http_methods(["GET", "HEAD", "POST"])
def agree(request: PageRequest, slug: str) -> HttpResponse:
    """GET: what changed. POST: it was read, and on to the task that was asked for (`then`)."""
    project = visible_project(request, slug)
    then = request.POST.get("then") or request.GET.get("then", "")
    errors: list[str] = []
    if request.method == "POST":
        try:
            said = number(request.POST.get("version")) or 0
            what = chosen(request.POST, "what", agreements.EVERY)
            agreements.agree(project=project, person=request.user, what=what, number=said)
            if what == NOTICE and (accepted := number(request.POST.get("terms"))):  # shown on the same page
                agreements.agree(project=project, person=request.user, what=TERMS, number=accepted)
        except LabelingError as error:
            errors.append(str(error))
    owed = agreements.owed(project, request.user)
    if owed is not None:
        context = _context(project, owed) | {"then": then, "errors": errors}
        context["done"] = ranking.done_before(request, request.GET.get("after", ""))
        return render(request, "labeling/agree.html", context, status=409 if errors else 200)
    if request.method == "POST" and then in THEN:
        return THEN[then](request, slug)
    return redirect("home")


def _context(project: Project, owed: Owed) -> Context:
    if owed.what == RETURN:
        return {"project": project, "owed": owed, "coming_back": kept.COMING_BACK}
    if owed.what == NOTICE:
        terms = current_terms(project)
        return {"project": project, "owed": owed, "notice": kept.SENTENCES, "terms": terms, "guest": True}
    rows = agreements.versions_of_text(project, owed.what).filter(number__in=(owed.known, owed.version))
    versions: dict[int, Text] = {one.number: one for one in rows}
    newest, known = versions[owed.version], versions.get(owed.known)
    return {"project": project, "owed": owed, "version": newest, "known": known, **_changes(known, newest)}


def _changes(known: Text | None, newest: Text) -> Context:
    if known is None:
        return {}
    try:
        return {"changes": changed_text.parts(known.text, newest.text)}
    except differences.TooLong as error:
        return {"too_long": str(error)}
