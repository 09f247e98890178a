"""How the admin site looks and what its sidebar offers; read by `django-unfold` from settings.UNFOLD."""

from __future__ import annotations

from typing import TypedDict

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse

REVIEW, MANAGE, OPERATE = "review", "manage", "operate"
SECTIONS: tuple[tuple[str, tuple[tuple[str, str, str, str], ...]], ...] = (
    ("Work", (
        ("Overview", "dashboard", "index", REVIEW),
        ("Projects", "folder_open", "labeling_project_changelist", REVIEW),
        ("Review queue", "rate_review", "labeling_ranking_queue", REVIEW),
        ("Rankings", "format_list_numbered", "labeling_ranking_changelist", REVIEW),
        ("Dialogues", "chat", "labeling_dialogue_changelist", REVIEW),
        ("Feedback", "thumbs_up_down", "labeling_turnfeedback_changelist", REVIEW),
        ("Content filter", "shield", "moderation_verdict_changelist", REVIEW),
        ("Exports", "download", "exports_exportrun_changelist", MANAGE),
    )),
    ("Set up", (
        ("Rounds", "autorenew", "labeling_round_changelist", MANAGE),
        ("Members", "group", "labeling_membership_changelist", MANAGE),
        ("Guidelines", "menu_book", "labeling_guidelineversion_changelist", MANAGE),
        ("Prompts", "edit_note", "labeling_prompt_changelist", MANAGE),
        ("Comparisons", "compare_arrows", "labeling_comparison_changelist", MANAGE),
        ("Assignments", "assignment_ind", "labeling_assignment_changelist", MANAGE),
        ("Filter thresholds", "tune", "moderation_threshold_changelist", MANAGE),
        ("Webhooks", "webhook", "webhooks_subscription_changelist", MANAGE),
    )),
    ("Installation", (
        ("Model versions", "model_training", "sampler_modelversion_changelist", MANAGE),
        ("Sample requests", "pending_actions", "sampler_samplerequest_changelist", OPERATE),
        ("People", "badge", "accounts_user_changelist", OPERATE),
        ("Audit log", "history", "accounts_auditentry_changelist", OPERATE),
    )),
)  # fmt: skip


class Link(TypedDict):
    title: str
    icon: str
    link: str
    active: bool


class Group(TypedDict):
    title: str
    separator: bool
    items: list[Link]


def navigation(request: HttpRequest) -> list[Group]:
    """The sidebar's links that this person may follow, of the pages that this installation has."""
    from common.admin import MANAGER, REVIEWERS, holds_role, is_operator

    may = {REVIEW: holds_role(request, REVIEWERS), MANAGE: holds_role(request, MANAGER), OPERATE: is_operator(request)}
    groups: list[Group] = []
    for title, pages in SECTIONS:
        items: list[Link] = [
            {"title": label, "icon": icon, "link": address, "active": _stands_on(request, address)}
            for label, icon, route, who in pages
            if may[who] and (address := _address(route))
        ]
        groups.append({"title": title, "separator": title != "Work", "items": items})
    return [group for group in groups if group["items"]]


def _stands_on(request: HttpRequest, address: str) -> bool:
    """Whether the page is this link's or below it; the review queue, below the rankings, has a link of its own."""
    queue = _address("labeling_ranking_queue")
    if address in (_address("index"), queue) or request.path == queue:
        return request.path == address
    return request.path.startswith(address)


def _address(route: str) -> str:
    try:
        return reverse(f"admin:{route}")
    except NoReverseMatch:
        return ""


UNFOLD: dict[str, object] = {
    "SITE_TITLE": "Duologue",
    "SITE_HEADER": "Duologue",
    "SITE_SUBHEADER": "Project administration",
    "SITE_SYMBOL": "forum",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("icon.svg")}],
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "DASHBOARD_CALLBACK": "insights.views.overview",
    "STYLES": [lambda request: static("css/admin.css")],
    "BORDER_RADIUS": "6px",
    "COLORS": {
        "primary": {
            "50": "#f0f7f6",
            "100": "#d9ebe9",
            "200": "#b5d8d4",
            "300": "#86bdb8",
            "400": "#559c97",
            "500": "#38817c",
            "600": "#2b6764",
            "700": "#265352",
            "800": "#224343",
            "900": "#203938",
            "950": "#0e2020",
        },
    },
    "SIDEBAR": {
        "show_search": True,
        "show_all_applications": False,
        "navigation": navigation,
    },
}
