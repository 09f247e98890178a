"""Withdrawal of a person's data from a project, or of one chat of a guest, and of a draft that its author discards: out
of every later export, and the text out of the database, wherever it was copied to. Rows stay, empty, so that counts,
votes and tombstones hold together.

What others did stays theirs, with one exception: work that rests on a withdrawn text (a comparison about it, a dialogue
that it opens, an ideal answer to it) shows that text to every reader and goes with it. `labeling/lineage.py` finds it;
each noun's module empties its own rows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from accounts import audit, idempotency, notices
from labeling import assignments, comparisons, dialogues, drafts, feedback, lineage, projects, questions, rankings
from labeling import text as texts
from labeling.errors import Invalid
from labeling.lineage import Copies
from labeling.models import Assignment, Comparison, Dialogue, Membership, Project, Prompt, Turn
from labeling.quality import reviews
from labeling.red_team import attempts
from sampler import sampling
from screening import verdicts

if TYPE_CHECKING:
    from accounts.models import User


WITHDRAWN = texts.WITHDRAWN


@transaction.atomic
def withdraw(*, project: Project, user: User, by: User | None = None) -> dict[str, int]:
    """Take everything of `user` out of `project`; return what was emptied, by kind.

    The membership ends with it. A second call finds only what came since.
    """
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    membership = projects.withdraw_member(project=project, user=user)
    copies = _locked_of(project, user)
    prompts = lineage.prompts_of(project, user)
    counts = _empty(project, copies, user=user, prompts=prompts)
    counts["prompts"] = projects.empty_prompts(project=project, author=user, text=WITHDRAWN)
    verdicts.empty_unsent(project=project.pk, author_id=user.pk, text=WITHDRAWN)
    quoting = lineage.quoting(project, user)
    quoting.dialogues.update(source_row=None)
    rankings.empty_imported(about=quoting)
    notices.forget_of(user=user, project_id=project.pk)
    audit.record(actor=by, action="member.withdrawn", obj=membership, fields=[kind for kind, n in counts.items() if n])
    return counts


@transaction.atomic
def withdraw_chat(*, dialogue: Dialogue, by: User) -> dict[str, int]:
    """Take one chat of a guest out, with the versions of it that were taken back and with whatever was made from it.
    Messages that the content filter blocked were never part of a chat: they go with everything of the person.

    Raises:
        Invalid: not a guest's, or not their own.
    """
    project = Project.objects.select_for_update(no_key=True).get(pk=dialogue.project_id)
    if dialogue.author_id != by.pk or projects.role_of(project, by) != Membership.Role.GUEST:
        raise Invalid("Guests withdraw chats of their own. Ask the project's manager.")
    copies = _locked(lambda: lineage.of_dialogue(dialogue))
    counts = _empty(project, copies)
    audit.record(actor=by, action="dialogue.withdrawn", obj=dialogue, fields=[kind for kind, n in counts.items() if n])
    return counts


@transaction.atomic
def discard(*, dialogue: Dialogue) -> None:
    """Give a draft up: its texts, with the versions of it that were taken back, and what was said of them are gone for
    everybody, and a reply being written is stopped. A version that a reviewer sent back stays as it was read.

    Raises:
        Gone: it was submitted or discarded.
    """
    copies = _locked(lambda: lineage.of_draft(dialogue))
    dialogue.refresh_from_db()
    drafts.require_draft(dialogue)
    _empty(dialogue.project, copies, keeping=lineage.reviewed_before(dialogue))
    dialogue.refresh_from_db()


def empty_discarded(*, limit: int = 50) -> int:
    """Drafts that were discarded under an earlier release, which kept their texts; the beat task's share of it."""
    rows = Dialogue.objects.filter(state=Dialogue.State.DISCARDED, submitted_at__isnull=True, withdrawn_at__isnull=True)
    found = list(rows.select_related("project")[:limit])
    for dialogue in found:
        with transaction.atomic():
            copies = _locked(partial(lineage.of_draft, dialogue))
            _empty(dialogue.project, copies, keeping=lineage.reviewed_before(dialogue))
    return len(found)


def _empty(
    project: Project,
    copies: Copies,
    *,
    user: User | None = None,
    prompts: Collection[UUID] = (),
    keeping: Copies = lineage.NONE,
) -> dict[str, int]:
    """The texts themselves, and everybody's words about them; of a whole person also what they said of others. Of
    models' texts those stay that are in `keeping` too."""
    completions, requests = lineage.sampled(copies)
    if keeping.dialogue_ids:
        completions, requests = completions - lineage.offered(keeping), requests - lineage.sampled(keeping)[1]
    asked = questions.empty(project=project, user=user, about=copies, text=WITHDRAWN)
    counts = {
        "dialogues": len(copies.dialogue_ids),
        "turns": Turn.objects.filter(dialogue__in=copies.dialogue_ids).count(),
        "comparisons": comparisons.withdraw(rows=copies.comparisons, text=WITHDRAWN),
        "rankings": rankings.empty_words(project=project, trainer=user, about=copies, text=WITHDRAWN),
        "drafts": assignments.empty_drafts(project=project, trainer=user, about=copies),
        "feedback": feedback.empty_comments(project=project, user=user, about=copies),
        "reviews": reviews.empty_comments(project=project, user=user, about=copies, text=WITHDRAWN),
        "questions": len(asked),
        "attempts": attempts.empty(about=copies.dialogue_ids, text=WITHDRAWN),
        "samples": sampling.empty(completion_ids=completions, request_ids=requests, text=WITHDRAWN),
    }
    about = completions | lineage.screened(copies) | set(prompts)
    verdicts.empty_comments(project=project.pk, user_id=user.pk if user is not None else None, about=about)
    dialogues.empty(rows=copies.dialogues, text=WITHDRAWN)
    idempotency.empty(user=user, naming=copies.ids | asked)
    return counts


def _locked_of(project: Project, user: User) -> Copies:
    """As `_locked`, with the comparisons that the person was given."""
    list(Prompt.objects.filter(project=project, author=user).select_for_update(no_key=True).order_by("pk"))
    judged = Assignment.objects.filter(comparison__project=project, trainer=user)
    return _locked(lambda: lineage.of(project, user), also=Q(pk__in=judged.values("comparison")))


def _locked(find: Callable[[], Copies], *, also: Q | None = None) -> Copies:
    """Wait for every write that is under way on what is withdrawn, in the order in which those take their locks:
    dialogues, then comparisons. Whoever comes after finds the texts gone. What was copied while this waited is found by
    looking again."""
    seen: Copies | None = None
    while (copies := find()) != seen:
        locked = copies.dialogues.select_for_update(of=("self",), no_key=True)
        list(locked.order_by("pk").values_list("pk"))
        theirs = Q(pk__in=copies.comparison_ids)
        rows = Comparison.objects.filter(theirs | also if also is not None else theirs).order_by("pk")
        list(rows.select_for_update(of=("self",), no_key=True).values_list("pk"))
        seen = copies
    return copies
