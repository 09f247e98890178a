"""How far a project is, in numbers. Reads only; what the numbers mean for quality is in `insights`."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.db.models import Count, Sum
from django.utils import timezone

from labeling.models import Assignment, Comparison, Dialogue, Project, Ranking
from labeling.projects import current_round


def progress_of(project: Project) -> dict[str, Any]:
    """Counts by state, of the whole project."""
    comparisons = Comparison.objects.filter(project=project)
    by_state = dict(comparisons.order_by().values_list("state").annotate(n=Count("*")))
    wanted = comparisons.filter(state=Comparison.State.OPEN).aggregate(n=Sum("votes_wanted"))["n"] or 0
    votes = Ranking.objects.in_force().filter(comparison__project=project, kind=Ranking.Kind.VOTE)
    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    dialogues: dict[str, dict[str, int]] = defaultdict(dict)
    for kind, state, n in (
        Dialogue.objects.filter(project=project).order_by().values_list("kind", "state").annotate(n=Count("*"))
    ):
        dialogues[kind][state] = n
    round_ = current_round(project)
    return {
        "round": round_.number if round_ else None,
        "comparisons": by_state,
        "votes_wanted": wanted,
        "votes_given": votes.count(),
        "leased": Assignment.objects.leased().filter(comparison__project=project).count(),
        "dialogues": dict(dialogues),
        "today": votes.filter(submitted_at__gte=midnight).count(),
    }
