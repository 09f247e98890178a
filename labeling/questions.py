"""Questions about guidelines and tasks: asked by trainers and reviewers, answered by managers.

Who may read what is decided here too, because a question may say what a person shall judge unswayed: see `visible_to`.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from accounts.audit import record
from common.visible import visible
from labeling import contents, telling
from labeling.errors import Conflict, Gone, Invalid
from labeling.models import Assignment, Comparison, Dialogue, Membership, Project, Question, Ranking
from labeling.models.questions import QuestionQuerySet
from labeling.projects import current_guidelines
from labeling.quality.blind import still_open
from labeling.text import clean

if TYPE_CHECKING:
    from accounts.models import User
    from labeling.lineage import Copies

About = Question.About
MOST_CHARACTERS = 4000
MOST_OPEN = 50  # of one person in one project


def visible_to(user: User) -> QuestionQuerySet:
    """What this person may read. What others ask about a comparison that this person may yet judge, or about a
    ranking of it, stays hidden until then, from managers too, unless a manager answered it for everybody."""
    return Question.objects.visible_to(user).filter(unswayed_by(user))


def unswayed_by(user: User) -> Q:
    """The same without the roles, for where they were looked at before."""
    of_it = still_open(Comparison.objects.filter(pk=OuterRef("comparison")), user)
    of_ranked = still_open(Comparison.objects.filter(pk=OuterRef("ranking__comparison")), user)
    unswayed = ~Q(Exists(of_it.order_by())) & ~Q(Exists(of_ranked.order_by()))
    return Q(asked_by=user) | Q(for_everybody=True) | unswayed


def ask(
    *,
    by: User,
    text: str,
    project: Project | None = None,
    comparison: Comparison | None = None,
    dialogue: Dialogue | None = None,
    ranking: Ranking | None = None,
) -> Question:
    """A question about a project's guidelines, or about one comparison, dialogue or ranking.

    Raises:
        Invalid: no text or too much of it, not somebody who may ask this, or too many open questions. Blocked: by the
            content filter.
    """
    row = Question(asked_by=by, comparison=comparison, dialogue=dialogue, ranking=ranking)
    row.text = _cleaned(text)
    if comparison is not None:
        row.about, row.project = About.COMPARISON, comparison.project
    elif dialogue is not None:
        row.about, row.project = About.DIALOGUE, dialogue.project
    elif ranking is not None:
        row.about, row.project = About.RANKING, ranking.comparison.project
    elif project is not None:
        row.about, row.project = About.GUIDELINES, project
    else:
        raise Invalid("A question is about one thing.")
    contents.check(project_id=row.project_id, text=row.text, author_id=by.pk)
    with transaction.atomic():
        return _store(row)


def _store(row: Question) -> Question:
    """Under the locks that a withdrawal takes too: of the asker's membership, then of what is asked about."""
    members = Membership.objects.select_for_update(of=("self",), no_key=True).filter(
        project=row.project, user=row.asked_by
    )
    member = members.filter(ended_at__isnull=True).first()
    if member is None or not _may_ask(row, member):
        raise Invalid("You cannot ask about this.")
    if _is_gone(row):
        raise Gone("This was withdrawn.")
    if Question.objects.open().filter(project=row.project, asked_by=row.asked_by).count() >= MOST_OPEN:
        raise Invalid("You have %(most)s questions without an answer here: wait for the answers.", most=MOST_OPEN)
    row.guideline_version = current_guidelines(row.project)
    row.save(force_insert=True)
    return row


def _is_gone(row: Question) -> bool:
    """Whether the text that it is about was withdrawn; locked, so that a withdrawal comes before or after."""
    if row.dialogue_id is not None:
        dialogues = Dialogue.objects.select_for_update(no_key=True)
        return dialogues.filter(pk=row.dialogue_id, withdrawn_at=None).first() is None
    comparison_id = row.ranking.comparison_id if row.ranking is not None else row.comparison_id
    comparisons = Comparison.objects.select_for_update(no_key=True)
    return comparison_id is not None and comparisons.filter(pk=comparison_id, withdrawn_at=None).first() is None


def _may_ask(row: Question, member: Membership) -> bool:
    """Trainers about what was given to them or what they write, reviewers about all work."""
    if member.role not in Membership.RANKERS:
        return False
    if row.about == About.GUIDELINES or member.role in Membership.REVIEWERS:
        return True
    if row.comparison is not None:
        return Assignment.objects.filter(comparison=row.comparison, trainer=member.user_id).exists()
    return row.dialogue is not None and row.dialogue.author_id == member.user_id


@transaction.atomic
def answer(
    *, question: Question, by: User, text: str, for_everybody: bool, instead_of: datetime | None = None
) -> Question:
    """A manager's answer, or another one in its place: `instead_of` is the time of the answer that they have read.

    Raises:
        Invalid: no text or too much of it, not a manager, or a question on a review is to be shown to all.
        Conflict: somebody answered meanwhile. Gone: the question was taken back or withdrawn.
    """
    said = _cleaned(text)
    member = Membership.objects.select_for_update(of=("self",), no_key=True).filter(
        project=question.project_id, user=by
    )
    if not by.is_superuser and member.filter(role=Membership.Role.MANAGER, ended_at__isnull=True).first() is None:
        raise Invalid("Only a manager of the project answers.")
    locked = Question.objects.standing().select_for_update(of=("self",)).filter(pk=question.pk).first()
    if locked is None:
        raise Gone("This question was taken back.")
    if locked.answered_at != instead_of:
        raise Conflict("Somebody answered this question meanwhile. Read it, and change it if it needs changing.")
    if for_everybody and locked.about == About.RANKING:
        raise Invalid("A question on a review is answered to whoever asked: others may yet judge the same.")
    locked.answer, locked.answered_by, locked.answered_at = said, by, timezone.now()
    locked.for_everybody = for_everybody
    locked.save(update_fields=["answer", "answered_by", "answered_at", "for_everybody"])
    record(actor=by, action="question.answered", obj=locked, fields=["answer", "for_everybody"])
    telling.answered(locked)
    return locked


@transaction.atomic
def take_back(*, question: Question, by: User) -> None:
    """The asker drops a question that has no answer yet.

    Raises:
        Gone: it is not theirs, was answered, or is not there any more.
    """
    locked = Question.objects.open().select_for_update(of=("self",)).filter(pk=question.pk, asked_by=by).first()
    if locked is None:
        raise Gone("This question has an answer already, or is not there any more.")
    locked.delete()


def empty(*, project: Project, user: User | None, about: Copies, text: str) -> set[str]:
    """Withdrawal: `text` in the place of questions on what is withdrawn, with their answers; of a whole person also of
    their questions, of questions on their work, and of what they answered to others. Returns the ids."""
    here = Question.objects.filter(project=project)
    theirs = Q(ranking__comparison__in=about.comparison_ids)
    theirs |= Q(comparison__in=about.comparison_ids) | Q(dialogue__in=about.dialogue_ids)
    if user is not None:
        theirs |= Q(asked_by=user) | Q(ranking__trainer=user)
    whole = list(here.filter(theirs).order_by("pk").values_list("pk", flat=True))
    others = here.filter(answered_by=user).exclude(pk__in=whole) if user is not None else here.none()
    answered = list(others.values_list("pk", flat=True))
    list(Question.objects.select_for_update(no_key=True).filter(pk__in=whole + answered).order_by("pk"))
    now = timezone.now()
    Question.objects.filter(pk__in=whole).exclude(answered_at=None).update(answer=text)
    Question.objects.filter(pk__in=whole).update(text=text, withdrawn_at=now)
    Question.objects.filter(pk__in=answered).update(answer=text)
    return {str(pk) for pk in whole + answered}


def _cleaned(text: str) -> str:
    said = clean(text).strip()
    if not visible(said):
        raise Invalid("Write something first.")
    if len(said) > MOST_CHARACTERS:
        raise Invalid("At most %(most)s characters.", most=MOST_CHARACTERS)
    return said
