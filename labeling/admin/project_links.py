"""Where to go from a project: its pages, and what is left to do until it runs."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.urls import NoReverseMatch, reverse

from labeling.models import GuidelineVersion, Membership, Project, Prompt, Round


def links(project: Project, *, manager: bool) -> list[tuple[str, str]]:
    """(label, address) of the pages about it; a manager is shown more of them."""
    pages: list[tuple[str, str, list[str | UUID], str]] = [
        ("Progress", "insights:progress", [project.slug], ""),
        ("Insights", "insights:project", [project.slug], ""),
        ("Review queue", "admin:labeling_ranking_queue", [], f"?in_project={project.slug}"),
    ]
    if manager:
        mine = f"?in_project={project.slug}"
        pages += [
            ("People and invitations", "managing:people", [project.slug], ""),
            ("Rounds", "admin:labeling_round_changelist", [], mine),
            ("Guidelines", "admin:labeling_guidelineversion_changelist", [], mine),
            ("Prompts", "admin:labeling_prompt_changelist", [], mine),
            ("Import", "admin:labeling_project_import", [project.pk], ""),
            ("Content filter", "insights:filter", [project.slug], ""),
            ("Exports", "admin:exports_exportrun_changelist", [], mine),
        ]
    return [(label, address) for label, name, args, query in pages if (address := address_of(name, args, query))]


def checklist(project: Project) -> list[tuple[bool, str, str]]:
    """(done, what to do, where) until a newcomer's project runs."""
    mine = f"?project={project.pk}"
    trainers = project.memberships.filter(ended_at__isnull=True, role=Membership.Role.TRAINER)
    return [
        (
            GuidelineVersion.objects.filter(project=project).exists(),
            "Write the guidelines that trainers see",
            address_of("admin:labeling_guidelineversion_add", [], mine),
        ),
        (
            Round.objects.filter(project=project, closed_at__isnull=True).exists(),
            "Open a round: choose which model versions answer",
            address_of("admin:labeling_round_add", [], mine),
        ),
        (trainers.exists(), "Invite trainers", address_of("managing:people", [project.slug])),
        (
            Prompt.objects.filter(project=project).exists() or project.stock_target == 0,
            "Add prompts, so that comparisons are ready before the first chat (optional)",
            address_of("admin:labeling_prompt_add", [], mine),
        ),
    ]


def address_of(name: str, args: Sequence[str | UUID], query: str = "") -> str:
    try:
        return reverse(name, args=args) + query
    except NoReverseMatch:  # that page is not part of this installation
        return ""
