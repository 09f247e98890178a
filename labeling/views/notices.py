"""A person's notices, and what they want to be told, on pages and by e-mail."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from accounts import notices as told
from accounts.models import NoticeKind
from labeling.errors import Invalid
from labeling.pages import notices as notices_page
from labeling.pages.forms import all_of
from labeling.views._shared import PageRequest

SHOWN = 100


@require_http_methods(["GET", "POST"])
def notices(request: PageRequest) -> HttpResponse:
    """The newest ones, read or not; POST: the choices."""
    errors = []
    if request.method == "POST":
        try:
            shown, mailed = (all_of(request.POST.getlist(way), NoticeKind.values) for way in ("shown", "mailed"))
        except Invalid as refusal:
            errors.append(str(refusal))
        else:
            told.choose(user=request.user, shown=shown, mailed=mailed)
            messages.success(request, gettext("Saved."))
            return redirect("notices")
    chosen = told.choices_of(request.user)
    kinds = [
        (kind.value, kind.label, kind not in chosen.not_shown, kind not in chosen.not_mailed) for kind in NoticeKind
    ]
    newest = told.shown_to(request.user)[:SHOWN]
    context = {"here": "notices", "notices": newest, "kinds": kinds, "errors": errors}
    return render(request, "labeling/notices.html", context, status=422 if errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def open_one(request: PageRequest, pk: int) -> HttpResponse:
    """On to where it leads; or, where that is closed to the person by now, a page that says why. POST, from a page:
    and it is read. GET: an e-mail leads here, which a program may open before its reader does."""
    found = told.of(request.user).filter(pk=pk).first()
    if found is None:  # another's, forgotten, or never there: the same is said of all
        sentence = gettext("This notice is not there any more, or it was for another account. Yours is %(user)s.")
        return render(request, "labeling/notice_closed.html", {"why": sentence % {"user": request.user}}, status=404)
    if request.method == "POST":
        told.read(user=request.user, pk=found.pk)
    if why := notices_page.closed(found, request.user):
        return render(request, "labeling/notice_closed.html", {"notice": found, "why": why})
    ours = url_has_allowed_host_and_scheme(found.address, allowed_hosts=None)
    return redirect(found.address if ours else "home")


@require_POST
def read_all(request: PageRequest) -> HttpResponse:
    told.read(user=request.user)
    return redirect("home")
