"""Withdrawal of a person's data from a project: out of every later export, and the text out of the
database, wherever it was copied to. Rows stay, empty, so that counts, votes and tombstones hold together.

What others did stays theirs, with one exception: work that rests on a withdrawn text (a comparison about it, a dialogue
that it opens, an ideal answer to it) shows that text to every reader and goes with it. `labeling/lineage.py` finds it;
each noun's module empties its own rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q

from accounts import audit, idempotency, notices
from labeling import assignments, comparisons, dialogues, feedback, lineage, projects, questions, rankings
from labeling.lineage import Copies
from labeling.models import Assignment, Comparison, Project, Prompt, Turn
from labeling.quality import reviews
from labeling.red_team import attempts
from sampler import sampling
from screening import verdicts

if TYPE_CHECKING:
    from accounts.models import User

WITHDRAWN = "[withdrawn]"


@transaction.atomic
def withdraw(*, project: Project, user: User, by: User | None = None) -> dict[str, int]:
    """Take everything of `user` out of `project`; return what was emptied, by kind.

    The membership ends with it. A second call finds only what came since.
    """
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    membership = projects.withdraw_member(project=project, user=user)
    copies = _locked(project, user)
    completions, requests = lineage.sampled(copies)
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
        "prompts": projects.empty_prompts(project=project, author=user, text=WITHDRAWN),
        "samples": sampling.empty(completion_ids=completions, request_ids=requests, text=WITHDRAWN),
    }
    verdicts.empty_unsent(project=project.pk, author_id=user.pk, text=WITHDRAWN)
    withdrawn = completions | lineage.screened(project, user, copies)
    verdicts.empty_comments(project=project.pk, user_id=user.pk, about=withdrawn)
    dialogues.empty(rows=copies.dialogues, text=WITHDRAWN)
    quoting = lineage.quoting(project, user)
    quoting.dialogues.update(source_row=None)
    rankings.empty_imported(about=quoting)
    notices.forget_of(user=user, project_id=project.pk)
    idempotency.empty(user=user, naming=copies.ids | asked)
    audit.record(actor=by, action="member.withdrawn", obj=membership, fields=[kind for kind, n in counts.items() if n])
    return counts


def _locked(project: Project, user: User) -> Copies:
    """Wait for every write that is under way on this person's work, in the order in which those take their locks:
    dialogues, then comparisons. Whoever comes after finds the membership ended and the texts gone. What was copied
    while this waited is found by looking again."""
    list(Prompt.objects.filter(project=project, author=user).select_for_update(no_key=True).order_by("pk"))
    judged = Assignment.objects.filter(comparison__project=project, trainer=user)
    seen: Copies | None = None
    while (copies := lineage.of(project, user)) != seen:
        locked = copies.dialogues.select_for_update(of=("self",), no_key=True)
        list(locked.order_by("pk").values_list("pk"))
        theirs = Q(pk__in=copies.comparison_ids) | Q(pk__in=judged.values("comparison"))
        rows = Comparison.objects.filter(theirs).order_by("pk")
        list(rows.select_for_update(of=("self",), no_key=True).values_list("pk"))
        seen = copies
    return copies
