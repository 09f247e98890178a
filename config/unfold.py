"""How the admin site looks and what its sidebar offers; read by `django-unfold` from settings.UNFOLD."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy


def _manages(request: HttpRequest) -> bool:
    from common.admin import MANAGER, holds_role

    return holds_role(request, MANAGER)


def _operates(request: HttpRequest) -> bool:
    from common.admin import is_operator

    return is_operator(request)


def _item(title: str, icon: str, route: str, permission: Any = None) -> dict[str, Any]:
    item = {"title": title, "icon": icon, "link": reverse_lazy(route)}
    return {**item, "permission": permission} if permission else item


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Duologue",
    "SITE_HEADER": "Duologue",
    "SITE_SUBHEADER": "Project administration",
    "SITE_SYMBOL": "forum",
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
        "navigation": [
            {
                "title": "Work",
                "items": [
                    _item("Overview", "dashboard", "admin:index"),
                    _item("Projects", "folder_open", "admin:labeling_project_changelist"),
                    _item("Review queue", "rate_review", "admin:labeling_ranking_queue"),
                    _item("Rankings", "format_list_numbered", "admin:labeling_ranking_changelist"),
                    _item("Dialogues", "chat", "admin:labeling_dialogue_changelist"),
                    _item("Feedback", "thumbs_up_down", "admin:labeling_turnfeedback_changelist"),
                ],
            },
            {
                "title": "Set up",
                "separator": True,
                "items": [
                    _item("Rounds", "autorenew", "admin:labeling_round_changelist", _manages),
                    _item("Members", "group", "admin:labeling_membership_changelist", _manages),
                    _item("Guidelines", "menu_book", "admin:labeling_guidelineversion_changelist", _manages),
                    _item("Prompts", "edit_note", "admin:labeling_prompt_changelist", _manages),
                    _item("Comparisons", "compare_arrows", "admin:labeling_comparison_changelist", _manages),
                    _item("Content filter", "shield", "admin:moderation_verdict_changelist", _manages),
                    _item("Filter thresholds", "tune", "admin:moderation_threshold_changelist", _manages),
                    _item("Assignments", "assignment_ind", "admin:labeling_assignment_changelist", _manages),
                ],
            },
        ],
    },
}
