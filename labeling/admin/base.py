"""What labeling's admins share: forms and pages of one kind of row, buttons that post, and texts shown as texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from django.contrib import messages
from django.db.models import Model
from django.forms import ModelForm
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from common.admin import ProjectScopedAdmin, record
from common.shapes import Message
from labeling.errors import LabelingError

Row = TypeVar("Row", bound=Model)

if TYPE_CHECKING:

    class RowForm(ModelForm[Row]):
        """A form of one model's rows. Django's own class takes no type argument while the program runs."""
else:

    class RowForm(ModelForm, Generic[Row]):
        pass


@dataclass(frozen=True)
class Button(Generic[Row]):
    """A write offered on a row's page; always a POST. `act(request, obj, text)` returns what to say."""

    label: str
    act: Callable[[HttpRequest, Row, str], str]
    when: Callable[[Row], bool] = lambda _obj: True
    ask: str = ""  # label of a line of text that is required with it
    danger: bool = False
    explain: str = ""


class PageAdmin(ProjectScopedAdmin[Row]):
    """A row's page opens with a panel: where it stands, links, and buttons."""

    change_form_outer_before_template = "admin/labeling/panel.html"
    buttons: Mapping[str, Button[Row]] = {}

    def headline(self, obj: Row) -> str:
        """A sentence on where the row stands."""
        return ""

    def links(self, request: HttpRequest, obj: Row) -> Sequence[tuple[str, str]]:
        return ()

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_do"
        view = self.admin_site.admin_view(require_POST(self.do_view))
        return [path("<path:object_id>/do/<slug:button>/", view, name=name), *super().get_urls()]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, object] | None = None,
    ) -> HttpResponse:
        extra = dict(extra_context or {})
        if object_id and (obj := self.get_object(request, object_id)) is not None:
            extra |= {
                "headline": self.headline(obj),
                "panel_links": self.links(request, obj),
                "panel_buttons": [
                    (button, self._address(obj, name))
                    for name, button in self.buttons.items()
                    if self._offers(request, obj, button)
                ],
            }
        try:
            return super().changeform_view(request, object_id, form_url, extra)
        except LabelingError as refusal:
            messages.error(request, str(refusal))
            return HttpResponseRedirect(request.get_full_path())

    def do_view(self, request: HttpRequest, object_id: str, button: str) -> HttpResponse:
        obj = self.reachable(request, object_id, change=True)
        chosen = self.buttons.get(button)
        if chosen is None or not self._offers(request, obj, chosen):
            raise Http404
        text = request.POST.get("text", "").strip()
        if chosen.ask and not text:
            messages.error(request, f"{chosen.ask}: say it in a sentence.")
        else:
            try:
                messages.success(request, chosen.act(request, obj, text))
                record(request, f"{self.opts.model_name}.{button}", obj)
            except LabelingError as refusal:
                messages.error(request, str(refusal))
        page = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
        return HttpResponseRedirect(reverse(page, args=[obj.pk]))

    def _offers(self, request: HttpRequest, obj: Row, button: Button[Row]) -> bool:
        return self._may(request, obj, self.change_roles) and button.when(obj)

    def _address(self, obj: Model, name: str) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_do", args=[obj.pk, name])


def messages_html(turns: Sequence[Message]) -> SafeString:
    """A prompt's messages, one block each, white space kept."""
    return format_html_join(
        "",
        '<div class="dl-turn"><span class="dl-role">{}</span><div class="dl-text" dir="auto">{}</div></div>',
        ((turn["role"], turn["content"]) for turn in turns),
    )


def text_html(text: str) -> SafeString:
    return format_html('<div class="dl-text" dir="auto">{}</div>', text)


def short(text: str, length: int = 90) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= length else flat[: length - 1] + "…"
