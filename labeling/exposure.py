"""Active time on tasks with texts that the content filter flagged, by person and week. Reads only.

It is not stored: the time stands with tasks, and what is flagged with comparisons; new thresholds change it with the
verdicts. Weeks begin on Monday, in the time zone in force.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Exists, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce, Greatest
from django.utils import timezone

from common.clock import midnight
from common.compiled import planned_each_time
from labeling.models import Assignment, Dialogue, Project, Prompt, Ranking, Turn
from screening.models import Verdict


def week_begin() -> datetime:
    """Of the week that is now."""
    return midnight() - timedelta(days=timezone.localdate().weekday())


def this_week(*, person: int, projects: Collection[UUID]) -> dict[tuple[int, UUID], int]:
    """Seconds of one person by person and project; two statements."""
    since, found = week_begin(), Counter[tuple[int, UUID]]()
    rows = _assignments(since).filter(trainer=person, comparison__project__in=projects)
    drafts = _dialogues(since).filter(author=person, project__in=projects)
    ranked = rows.values_list("trainer", "comparison__project").annotate(total=Sum("spent"))
    written = drafts.values_list("author", "project").annotate(total=Sum("spent"))
    for who, project, seconds in (*ranked, *written):
        found[who, project] += seconds or 0
    return dict(found)


def of_everybody(project: Project) -> dict[int, int]:
    """Seconds of this week by person; two statements."""
    since, found = week_begin(), Counter[int]()
    for who, seconds in (*_ranked(project, since), *_written(project, since)):
        found[who] += seconds or 0
    return dict(found)


@planned_each_time
def _ranked(project: Project, since: datetime) -> QuerySet[Assignment, tuple[int, int | None]]:
    rows = _assignments(since).filter(comparison__project=project)
    return rows.values_list("trainer").annotate(total=Sum("spent"))


@planned_each_time
def _written(project: Project, since: datetime) -> QuerySet[Dialogue, tuple[int, int | None]]:
    rows = _dialogues(since).filter(project=project)
    return rows.values_list("author").annotate(total=Sum("spent"))


def _assignments(since: datetime) -> QuerySet[Assignment]:
    """Tasks of rankings with a flagged text that were done since, or are being done."""
    begun = Q(state=Assignment.State.LEASED) | Q(ended_at__gte=since)
    return with_seconds(Assignment.objects.filter(begun, flagged_ranking())).order_by()


def _dialogues(since: datetime) -> QuerySet[Dialogue]:
    """Dialogues with a flagged text that were handed in since, or worked on."""
    rows = Dialogue.objects.filter(flagged_dialogue(), author__isnull=False)
    rows = rows.filter(Q(submitted_at__gte=since) | Q(submitted_at__isnull=True, saved_at__gte=since))
    return with_seconds_of_dialogues(rows).order_by()


def flagged_ranking() -> Q:
    """Of assignments: of a comparison with a flagged text."""
    return ~Q(comparison__harms=[])


def flagged_dialogue() -> Q:
    """Of dialogues: the filter warns of a turn, of the model's text that it came from, or of the prompt given."""
    of_text = Verdict.objects.filter(~Q(harms=[]), project=OuterRef("dialogue__project")).order_by()
    warned = Exists(of_text.filter(target_id=OuterRef("pk"))) | Exists(of_text.filter(target_id=OuterRef("completion")))
    turns = Turn.objects.filter(warned, dialogue=OuterRef("pk")).order_by()
    return Q(Exists(turns)) | Q(Exists(Prompt.objects.filter(~Q(harms=[]), pk=OuterRef("prompt")).order_by()))


def with_seconds(rows: QuerySet[Assignment]) -> QuerySet[Assignment]:
    """`spent`: whatever says more, what its page measured or what came with its ranking over the API."""
    said = Ranking.objects.first_of_each().filter(assignment=OuterRef("pk")).order_by("submitted_at")
    first = Subquery(said.values("seconds")[:1], output_field=IntegerField())
    return rows.annotate(spent=Greatest(F("seconds"), Coalesce(first, 0)))


def with_seconds_of_dialogues(rows: QuerySet[Dialogue]) -> QuerySet[Dialogue]:
    """`spent`: a copy that was made to be changed begins with the time of what it was made from."""
    return rows.annotate(spent=Greatest(F("seconds") - Coalesce(F("supersedes__seconds"), 0), 0))
