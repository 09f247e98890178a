"""Which event tells whom: a notice on their pages and by e-mail (`accounts/notices.py`). Each is called in the
transaction of the write that it tells of. A notice names a project and a page, never anybody's words."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.urls import reverse
from django.utils import timezone

from accounts import notices
from accounts.models import NoticeKind
from common.clock import midnight
from labeling.models import Assignment, Dialogue, Membership, Question, Ranking

if TYPE_CHECKING:
    from collections.abc import Iterable

    from accounts.models import User
    from labeling.models import GuidelineVersion, Project, Review


def _tell(project: Project, kind: NoticeKind, users: Iterable[int], what: object, address: str) -> None:
    if not project.throwaway:
        notices.tell(
            users=users, kind=kind, key=f"{kind}:{what}", subject=project.title, address=address,
            project_id=project.pk,
        )  # fmt: skip


def returned(review: Review, *, author_id: int | None, project: Project) -> None:
    """Work was sent back to whoever made it."""
    if author_id is None:
        return
    name, pk = ("returned-ranking", review.ranking_id) if review.ranking_id else ("dialogue", review.dialogue_id)
    _tell(project, NoticeKind.RETURNED, [author_id], review.pk, reverse(name, args=[pk]))


def decision_taken_back(review: Review) -> None:
    author_id = review.ranking.trainer_id if review.ranking else review.dialogue.author_id if review.dialogue else None
    if author_id is not None and review.decision == review.Decision.RETURNED:
        notices.untell(user_id=author_id, key=f"{NoticeKind.RETURNED}:{review.pk}")


def added(membership: Membership, *, by: User | None) -> None:
    """Somebody else made the person a member."""
    if by is not None and by.pk != membership.user_id:
        what = f"{membership.pk}:{timezone.now().isoformat()}"
        _tell(membership.project, NoticeKind.INVITED, [membership.user_id], what, reverse("home"))


def answered(question: Question) -> None:
    """To whoever asked; another answer in the place of the first is told too."""
    if question.answered_by_id != question.asked_by_id and question.answered_at is not None:
        what = f"{question.pk}:{question.answered_at.isoformat()}"
        address = place_of(question, question.asked_by)
        _tell(question.project, NoticeKind.ANSWERED, [question.asked_by_id], what, address)


def place_of(question: Question, person: User) -> str:
    """The address of the page on which this person finds the question."""
    if question.ranking_id is not None:
        return reverse("review-questions", args=[question.ranking_id])
    if question.dialogue_id is not None:
        return reverse("dialogue-questions", args=[question.dialogue_id])
    if question.comparison_id is not None:
        held = Assignment.objects.filter(comparison=question.comparison_id, trainer=person).first()
        if held is not None:
            return reverse("task-questions", args=[held.pk])
        return reverse("managing:questions-one", args=[question.project.slug, question.name])  # a reviewer's
    return reverse("questions", args=[question.project.slug])


def published(version: GuidelineVersion, *, by: User | None) -> None:
    """A further version of the guidelines, to every member who works by them but the one who wrote it."""
    members = Membership.objects.filter(project=version.project, ended_at__isnull=True, role__in=Membership.RANKERS)
    others = members.exclude(user=by) if by is not None else members
    address = reverse("guidelines", args=[version.project.slug])
    _tell(version.project, NoticeKind.GUIDELINES, others.values_list("user", flat=True), version.pk, address)


def submitted(project: Project, *, trainer_id: int | None) -> None:
    """Whether the day's goal is reached by what was just submitted."""
    if not project.daily_goal or trainer_id is None:
        return
    today = midnight()
    what = f"{project.pk}:{today.date().isoformat()}"
    if notices.was_told(user_id=trainer_id, key=f"{NoticeKind.GOAL}:{what}"):
        return
    ranked = Ranking.objects.first_of_each().filter(comparison__project=project, submitted_at__gte=today)
    written = Dialogue.objects.submitted().filter(project=project, author=trainer_id, submitted_at__gte=today)
    done = ranked.filter(trainer=trainer_id).count() + written.count()
    if done >= project.daily_goal:
        _tell(project, NoticeKind.GOAL, [trainer_id], what, reverse("numbers"))


def export_failed(project: Project, run_id: UUID) -> None:
    managers = project.memberships.filter(ended_at__isnull=True, role=Membership.Role.MANAGER)
    address = reverse("managing:exports", args=[project.slug])
    _tell(project, NoticeKind.EXPORT_FAILED, managers.values_list("user", flat=True), run_id, address)
