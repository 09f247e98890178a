"""What pages show of questions: on one task or on the guidelines, and what waits for a manager. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext

from common.compiled import compiled
from labeling import questions
from labeling.models import Assignment, Comparison, Dialogue, Membership, Project, Question, Ranking
from labeling.models.questions import QuestionQuerySet
from labeling.pages.letters import letters_of
from labeling.projects import role_of
from labeling.text import opening

if TYPE_CHECKING:
    from accounts.models import User

About = Question.About
SHOWN = 100  # questions on one thing


@dataclass(frozen=True)
class Subject:
    """What a page of questions is about: what `questions.ask` is told, and the way back."""

    project: Project
    address: str
    back: str
    back_words: str
    comparison: Comparison | None = None
    dialogue: Dialogue | None = None
    ranking: Ranking | None = None

    @property
    def of_guidelines(self) -> bool:
        return self.comparison is None and self.dialogue is None and self.ranking is None

    @property
    def what(self) -> Q:
        if self.comparison is not None:
            return Q(comparison=self.comparison)
        if self.dialogue is not None:
            return Q(dialogue=self.dialogue)
        if self.ranking is not None:
            return Q(ranking=self.ranking) | Q(comparison=self.ranking.comparison_id)
        # beside the guidelines stands too what was answered for everybody about a dialogue: only its author opens that
        about_all = Q(about=About.GUIDELINES) | Q(about=About.DIALOGUE, for_everybody=True)
        return about_all & Q(project=self.project)

    @property
    def opening(self) -> str:
        """What the task asks, for a line above its questions."""
        comparison = self.ranking.comparison if self.ranking is not None else self.comparison
        return opening(comparison.prompt) if comparison is not None else ""


def of_task(assignment: Assignment) -> Subject:
    comparison = assignment.comparison
    return Subject(
        comparison.project,
        address=reverse("task-questions", args=[assignment.pk]),
        back=reverse("ranking", args=[assignment.pk]),
        back_words=gettext("Back to the ranking"),
        comparison=comparison,
    )


def of_dialogue(dialogue: Dialogue, user: User) -> Subject:
    """For its author, and for who reviews it."""
    return Subject(
        dialogue.project,
        address=reverse("dialogue-questions", args=[dialogue.pk]),
        back=reverse("dialogue" if dialogue.author_id == user.pk else "review-dialogue", args=[dialogue.pk]),
        back_words=gettext("Back to the dialogue"),
        dialogue=dialogue,
    )


def of_review(ranking: Ranking) -> Subject:
    return Subject(
        ranking.comparison.project,
        address=reverse("review-questions", args=[ranking.pk]),
        back=reverse("review-ranking", args=[ranking.pk]),
        back_words=gettext("Back to the review"),
        ranking=ranking,
    )


def of_guidelines(project: Project) -> Subject:
    return Subject(
        project,
        address=reverse("questions", args=[project.slug]),
        back=reverse("guidelines", args=[project.slug]),
        back_words=gettext("Back to the guidelines"),
    )


def shown(subject: Subject, user: User) -> QuestionQuerySet:
    """Those on the subject that the person may read, newest first."""
    # What stands beside the guidelines is about no comparison, so that nothing of it can sway a vote.
    readable = Question.objects.visible_to(user) if subject.of_guidelines else questions.visible_to(user)
    rows = readable.filter(subject.what).select_related("guideline_version")
    return rows.order_by("-created_at", "-pk")[:SHOWN]


def count_at(assignment: Assignment, user: User) -> int:
    """How many questions a person finds at their task."""
    return next(iter(_counted_at(assignment.comparison_id, user)), 0)


@compiled
def _counted_at(comparison: UUID, user: User) -> QuerySet[Question, int]:
    rows = Question.objects.standing().filter(Q(asked_by=user) | Q(for_everybody=True), comparison=comparison)
    return rows.order_by().values("comparison").annotate(n=Count("pk")).values_list("n", flat=True)


def may_ask(project: Project, user: User) -> bool:
    return role_of(project, user) in Membership.RANKERS


# -- for managers and reviewers -------------------------------------------------------------------


def waiting(project: Project, user: User) -> QuestionQuerySet:
    """Without an answer, oldest first."""
    rows = questions.visible_to(user).open().filter(project=project).select_related("asked_by")
    return rows.order_by("created_at", "pk")


def count_waiting(project: Project, user: User) -> int:
    """How many `waiting` finds, for somebody who reviews the project."""
    return next(iter(_counted_waiting(project, user)), 0)


@compiled
def _counted_waiting(project: Project, user: User) -> QuerySet[Question, int]:
    rows = Question.objects.open().filter(questions.unswayed_by(user), project=project).order_by()
    return rows.values("project").annotate(n=Count("pk")).values_list("n", flat=True)


def answered(project: Project, user: User) -> QuestionQuerySet:
    rows = questions.visible_to(user).filter(project=project, answered_at__isnull=False)
    return rows.select_related("asked_by", "answered_by").order_by("-answered_at", "pk")


@dataclass(frozen=True)
class Task:
    """What a question is about, for whoever answers it; the letters are those that the asker saw."""

    prompt: Sequence[object]
    completions: Sequence[tuple[str, str, bool]]  # letter, text, whether it was cut
    dialogue: Dialogue | None
    address: str  # of the review, or empty


def task_of(question: Question) -> Task | None:
    """None where it is about the guidelines."""
    if question.dialogue is not None:
        turns = question.dialogue.turns.order_by("position").values("role", "text")[:SHOWN]
        said = [{"role": turn["role"], "content": turn["text"]} for turn in turns]
        return Task(said, [], question.dialogue, reverse("review-dialogue", args=[question.dialogue_id]))
    comparison = question.ranking.comparison if question.ranking is not None else question.comparison
    if comparison is None:
        return None
    address = reverse("review-ranking", args=[question.ranking_id]) if question.ranking_id else ""
    letters = letters_of(_order_seen(question, comparison))
    texts = [(letter, comparison.texts[cid], cid in comparison.cut) for cid, letter in letters.items()]
    return Task(comparison.prompt, texts, None, address)


def _order_seen(question: Question, comparison: Comparison) -> list[str]:
    if question.ranking is not None:
        return list(question.ranking.order_shown)
    held = Assignment.objects.filter(comparison=comparison, trainer=question.asked_by_id)
    return list(held.values_list("order_shown", flat=True).first() or comparison.texts)
