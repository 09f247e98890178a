"""Demonstrations that answer a prompt of the project's pool: which prompt a trainer is given, and how often.

The rest of what happens to a demonstration is in `dialogues.py` and `turns.py`; its first `given_turns` do not change.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from labeling import contents, dialogues, offering, withdrawal
from labeling.errors import Gone, Invalid
from labeling.models import Dialogue, Project, Prompt

if TYPE_CHECKING:
    from accounts.models import User

KEPT_FOR = timedelta(days=7)  # a draft that nobody wrote on for so long holds its prompt no more


def free_prompts(user: User) -> QuerySet[Prompt]:
    """Prompts that nobody answers or has answered, and that `user` was not given before."""
    answers = Dialogue.objects.filter(prompt=OuterRef("pk"), kind=Dialogue.Kind.DEMONSTRATION)
    idle = Q(state=Dialogue.State.DRAFT, saved_at__lt=Now() - KEPT_FOR)
    taken = answers.filter(Q(author=user) | ~(Q(state=Dialogue.State.DISCARDED) | idle))
    return Prompt.objects.filter(~Exists(taken), retired_at__isnull=True)


@transaction.atomic
def begin(*, project: Project, author: User, kind: str) -> Dialogue:
    """Begin a chat or a demonstration as the pages do: so that the project's share of a trainer's demonstrations
    answer given prompts. A given one without an answer is taken up again.

    Raises:
        Invalid: as `start_dialogue`; or only given prompts are answered here, and none is free.
    """
    if kind != Dialogue.Kind.DEMONSTRATION or not _wants_given(project, author):
        return dialogues.start_dialogue(project=project, author=author, kind=kind)
    if (begun := _without_answer(project, author)) is not None:
        return begun
    if (prompt := _next(project, author)) is not None:
        return _give(project, author, prompt)
    if project.prompted_share >= 1:
        _refuse_unjudged(project, author)
        raise Invalid("Every prompt of this project is answered, or somebody is answering it.")
    return dialogues.start_dialogue(project=project, author=author, kind=kind)


def begin_given(*, project: Project, author: User, by_program: bool = False) -> Dialogue:
    """Begin a demonstration with the next free prompt of the pool.

    Raises:
        Invalid: as `start_dialogue`; or no prompt is free.
    """
    with transaction.atomic():
        if (prompt := _next(project, author)) is None:
            _refuse_unjudged(project, author)
            raise Invalid("No prompt is free: every one is answered, or somebody is answering it.")
        return _give(project, author, prompt, by_program=by_program)


@transaction.atomic
def exchange(*, dialogue: Dialogue) -> Dialogue:
    """Give the prompt back, unanswered, and take another. The one given back is for others.

    Raises:
        Gone: it is not open any more. Invalid: no other is free, and this one stays.
    """
    assert dialogue.author is not None
    if not dialogue.given_turns:
        raise Gone("This dialogue has no given prompt.")
    withdrawal.discard(dialogue=dialogue)
    return begin_given(project=dialogue.project, author=dialogue.author)


def _wants_given(project: Project, author: User) -> bool:
    """Whether the author's next demonstration answers a given prompt: counted, not drawn, so that few show it too."""
    if not project.prompted_share:
        return False
    own = Dialogue.objects.filter(
        project=project,
        author=author,
        kind=Dialogue.Kind.DEMONSTRATION,
        supersedes__isnull=True,
        answer_to__isnull=True,
    ).exclude(state=Dialogue.State.DISCARDED)
    so_far = own.aggregate(all=Count("pk"), given=Count("pk", filter=Q(given_turns__gt=0)))
    return bool(so_far["given"] < project.prompted_share * (so_far["all"] + 1))


def _without_answer(project: Project, author: User) -> Dialogue | None:
    drafts = Dialogue.objects.drafts().filter(project=project, author=author, given_turns__gt=0)
    unanswered = drafts.annotate(written=Count("turns")).filter(written__lte=F("given_turns")).select_related("prompt")
    avoided = offering.avoided(project, author)
    return next((draft for draft in unanswered if not (draft.prompt and avoided.has(draft.prompt.harms))), None)


def _next(project: Project, author: User) -> Prompt | None:
    """Two who ask at once are given two prompts: one that is being given away is passed over, and so is one that the
    content filter has not read where it blocks."""
    free = free_prompts(author).filter(contents.judged_prompts(project.pk), project=project).order_by("content_hash")
    free = offering.avoided(project, author).leave_out(free)
    return free.select_for_update(skip_locked=True, no_key=True, of=("self",)).first()


def _refuse_unjudged(project: Project, author: User) -> None:
    free = free_prompts(author).filter(project=project)
    if free.exists() and not offering.avoided(project, author).leave_out(free).exists():
        raise Invalid("The prompts that are free now have texts that you are not given; they go to others.")
    if free.filter(contents.judged_prompts(project.pk)).count() < free.count():
        raise Invalid(contents.UNJUDGED)


def _give(project: Project, author: User, prompt: Prompt, *, by_program: bool = False) -> Dialogue:
    return dialogues.start_dialogue(
        project=project,
        author=author,
        kind=Dialogue.Kind.DEMONSTRATION,
        prompt=prompt,
        given=True,
        by_program=by_program,
    )
