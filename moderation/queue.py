"""The reviewers' queue of marks: what somebody called wrongly flagged or harmful and nobody decided; without texts of a
kind of harm that the reviewer opted out of. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.core.paginator import Page, Paginator
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from accounts.models import User
from labeling import offering
from labeling.models import Project
from moderation import verdicts
from moderation.models import MarkDecision, Verdict, VerdictFeedback

ON_A_PAGE = 20
LATELY = 10
WRONG, MISSED = "wrong", "missed"
KINDS = (WRONG, MISSED)


@dataclass(frozen=True)
class Item:
    """A mark, as a reviewer decides it."""

    mark: VerdictFeedback
    verdict: Verdict
    text: str
    own: bool  # nobody decides their own marks
    keyed: bool  # the keys decide this one, the first that may be

    @property
    def kind(self) -> str:
        return MISSED if self.mark.harmful else WRONG

    @property
    def scores(self) -> Mapping[str, float]:
        """Those above nothing, the highest first."""
        scored = sorted(self.verdict.scores.items(), key=lambda pair: -pair[1])
        return {name: score for name, score in scored if score > 0}


def undecided(project: Project) -> QuerySet[VerdictFeedback]:
    """Marks without a decision on what they say now, oldest first."""
    decided = MarkDecision.objects.filter(mark=OuterRef("pk"), harmful=OuterRef("harmful"))
    marks = VerdictFeedback.objects.standing().filter(~Exists(decided), verdict__project=project)
    return marks.order_by("created_at", "pk")


def offered_to(reviewer: User, project: Project) -> QuerySet[VerdictFeedback]:
    """Those that the reviewer may be given, by the rule that holds for tasks (`labeling/offering.py`)."""
    rows, avoided = undecided(project), offering.avoided(project, reviewer)
    if not avoided:
        return rows
    of_text = avoided.verdicts().filter(project=project, target_id=OuterRef("verdict__target_id")).order_by()
    said = Q(harmful=True) if avoided.every else Q(harmful=True, category__in=avoided.categories)
    return rows.exclude(Q(Exists(of_text)) | said)


def of_kind(rows: QuerySet[VerdictFeedback], kind: str) -> QuerySet[VerdictFeedback]:
    return rows.filter(harmful=kind == MISSED) if kind in KINDS else rows


def page(project: Project, reviewer: User, kind: str, number: str | None) -> tuple[Page[VerdictFeedback], list[Item]]:
    rows = of_kind(offered_to(reviewer, project), kind).select_related("verdict", "user")
    shown = Paginator(rows, ON_A_PAGE).get_page(number)
    first = next((mark for mark in shown if mark.user_id != reviewer.pk), None)
    return shown, [_item(mark, reviewer, keyed=mark is first) for mark in shown]


def lately(project: Project, reviewer: User) -> list[MarkDecision]:
    """The reviewer's last decisions, which they may turn round."""
    rows = MarkDecision.objects.filter(mark__verdict__project=project, reviewer=reviewer, harmful=F("mark__harmful"))
    return list(rows.select_related("mark__verdict", "mark__user").order_by("-created_at")[:LATELY])


def _item(mark: VerdictFeedback, reviewer: User, *, keyed: bool) -> Item:
    return Item(mark, mark.verdict, verdicts.text_of(mark.verdict), mark.user_id == reviewer.pk, keyed)
