"""The review queue, what reviewers do with it (accept, return with a comment, exclude, vote blind), and what
they returned.

Nothing that was submitted changes: a decision is a new row. Over many at once, or taken back: `decisions.py`; with
an order of the reviewer's own: `adjudication.py`. Returned work is mended by its author in `labeling/corrections.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext_noop

from accounts.audit import record
from common.transitions import advance
from labeling import assignments, comparisons, leases, offering, telling
from labeling.errors import Conflict, Gone, Invalid
from labeling.models import (
    Assignment,
    Comparison,
    Dialogue,
    Membership,
    Project,
    Ranking,
    RedTeamAttempt,
    Review,
    ReviewItem,
    Turn,
)
from labeling.offering import Avoided
from labeling.projects import role_of
from labeling.spans import Spans, check_spans
from labeling.text import clean

if TYPE_CHECKING:
    from accounts.models import User
    from labeling.lineage import Copies

Decision = Review.Decision
OF_WORDS = gettext_noop("See the words that are marked.")  # a return that says nothing else
OFFERED = (Decision.ACCEPTED, Decision.RETURNED, Decision.EXCLUDED)  # a gold order is given in `adjudication.py`
REVIEWERS = Membership.REVIEWERS


def queue(projects: Collection[Project], reviewer: User) -> QuerySet[ReviewItem]:
    """What waits for this reviewer in these projects, oldest first."""
    items = ReviewItem.objects.waiting().filter(project__in=projects).not_by(reviewer)
    if spared := offering.opted_out(reviewer):
        items = items.exclude(_shows(spared, [project.pk for project in projects]))
    if at_limit := offering.at_their_limit(projects, reviewer):
        items = items.exclude(Q(project__in=at_limit) & _shows(offering.EVERYTHING, at_limit))
    return with_its_work(items)


def _shows(avoided: Avoided, projects: Collection[UUID]) -> Q:
    """Of items: the work holds what the reviewer is not given, as trainers are not given it. Looked up from the texts
    that are flagged, which are few beside all that waits."""
    texts = avoided.verdicts().filter(project__in=projects).order_by().values("target_id")
    shown = Q()
    for one in ("pk", "completion"):
        shown |= Q(dialogue__in=Turn.objects.filter(**{f"{one}__in": texts}).order_by().values("dialogue"))
    of_work = ("ranking__comparison", "dialogue__prompt")
    if avoided.every:
        for ref in of_work:
            shown |= Q(**{f"{ref}__isnull": False}) & ~Q(**{f"{ref}__harms": []})
        return shown | Q(dialogue__rule__isnull=False) & ~Q(dialogue__rule__category="")
    for ref in of_work:
        shown |= Q(**{f"{ref}__harms__overlap": list(avoided.categories)})
    return shown | Q(dialogue__rule__category__in=avoided.categories)


def with_its_work(items: QuerySet[ReviewItem]) -> QuerySet[ReviewItem]:
    return items.select_related("project", "ranking__trainer", "ranking__comparison", "dialogue__author")


@transaction.atomic
def decide(
    *,
    reviewer: User,
    decision: str,
    ranking: Ranking | None = None,
    dialogue: Dialogue | None = None,
    comment: str = "",
    grade: int | None = None,
    spans: Mapping[str, Sequence[object]] | None = None,
    finding: str = "",
    bulk: UUID | None = None,
) -> Review:
    """A reviewer's decision on one piece of work; `bulk` is shared by those that were taken over many at once. `spans`
    are what they say of single words of a ranking's completions; `finding` of a red-team chat that they accept whether
    its rule is broken, without one that its trainer is right.

    Raises:
        Invalid: not a reviewer of the project, own work, a return without a comment, a grade outside 1-7, words that
            are not there, a finding on other work.
        Conflict: the work was changed, taken back or decided alike meanwhile.
    """
    comment = clean(comment).strip()
    said = _said_of_words(ranking, spans or {})
    if said and decision == Decision.RETURNED:
        comment = comment or OF_WORDS
    _check(decision, comment, grade, of_a_dialogue=dialogue is not None)
    finding = _found(decision, finding, dialogue)
    if ranking is not None and dialogue is None:
        author_id, project = _lock_ranking(ranking)
    elif dialogue is not None and ranking is None:
        author_id, project = _move_dialogue(dialogue, decision)
    else:
        raise Invalid("A review is of one ranking or one dialogue.")
    require_reviewer(project, reviewer)
    if author_id == reviewer.pk:
        raise Invalid("Nobody reviews their own work.")
    made = Review.objects.create(
        ranking=ranking,
        dialogue=dialogue,
        reviewer=reviewer,
        decision=decision,
        comment=comment,
        grade=grade,
        spans=said,
        finding=finding,
        bulk=bulk,
    )
    record(actor=reviewer, action=f"review.{decision}", obj=ranking or dialogue, project_id=project.pk)
    if decision == Decision.RETURNED:
        telling.returned(made, author_id=author_id, project=project)
    return made


def _said_of_words(ranking: Ranking | None, spans: Mapping[str, Sequence[object]]) -> Spans:
    if not spans:
        return {}
    if ranking is None:
        raise Invalid("Words are marked in the completions of a ranking.")
    texts = ranking.comparison.texts
    shown = {cid: texts[cid] for cid in ranking.order_shown if cid in texts}
    return check_spans(spans, shown, ranking.comparison.project.span_categories, free=True)


def _check(decision: str, comment: str, grade: int | None, *, of_a_dialogue: bool) -> None:
    if decision not in OFFERED:
        raise Invalid("%(decision)s is not a decision.", decision=repr(decision))
    if decision == Decision.RETURNED and not comment:
        raise Invalid("Say in a comment what should be mended.")
    if grade is not None and not (of_a_dialogue and 1 <= grade <= 7):
        raise Invalid("A grade is a whole number from 1 to 7, and is for dialogues.")


def _found(decision: str, finding: str, dialogue: Dialogue | None) -> str:
    """What a decision says of the rule of a red-team chat; empty of other work, and where it is not accepted."""
    of_a_try = dialogue is not None and dialogue.rule_id is not None and decision == Decision.ACCEPTED
    if finding and (not of_a_try or finding not in Review.Finding.values):
        raise Invalid("Whether a rule is broken is said of a red-team chat that is accepted.")
    if finding or not of_a_try:
        return finding
    said = RedTeamAttempt.objects.filter(dialogue=dialogue).values_list("outcome", flat=True).first()
    return said or Review.Finding.UNCLEAR


def require_reviewer(project: Project, person: User) -> None:
    if not person.is_superuser and role_of(project, person) not in REVIEWERS:
        raise Invalid("You are not a reviewer of this project.")


def _lock_ranking(ranking: Ranking) -> tuple[int | None, Project]:
    """Its comparison's lock is the one that undo and mending take; only under it can be seen what stands."""
    comparisons.locked(ranking.comparison_id)
    locked = Ranking.objects.in_force().filter(pk=ranking.pk).first()
    if locked is None:
        raise Conflict("This ranking was taken back or mended meanwhile.")
    return locked.trainer_id, ranking.comparison.project


def _move_dialogue(dialogue: Dialogue, decision: str) -> tuple[int | None, Project]:
    locked = Dialogue.objects.select_for_update(of=("self",)).filter(pk=dialogue.pk).first()
    finished = Dialogue.HANDED_IN
    if locked is None or locked.state not in finished or Dialogue.objects.filter(supersedes=locked).exists():
        raise Conflict("This dialogue was taken back or returned meanwhile.")
    to = {Decision.ACCEPTED: Dialogue.State.ACCEPTED, Decision.RETURNED: Dialogue.State.RETURNED}.get(
        Decision(decision)
    )
    if to is not None and locked.state != to:
        advance(dialogue, to=to, table=Dialogue.TRANSITIONS)
    return locked.author_id, dialogue.project


def ask_review(*, ranking: Ranking | None = None, dialogue: Dialogue | None = None) -> None:
    """Put a piece of work into the queue by hand."""
    project = ranking.comparison.project if ranking is not None else dialogue.project if dialogue else None
    if project is None:
        raise Invalid("A review is of one ranking or one dialogue.")
    ReviewItem.objects.get_or_create(
        ranking=ranking,
        dialogue=dialogue,
        defaults={"project": project, "reasons": [ReviewItem.Reason.ASKED]},
    )


# -- returned work --------------------------------------------------------------------------------


def last_decision(on: str) -> Subquery:
    """Of rankings or dialogues (`on`): what was last decided on each and not taken back; null: nothing yet."""
    latest = Review.objects.in_force().filter(**{on: OuterRef("pk")}).order_by("-created_at", "-pk")
    return Subquery(latest.values("decision")[:1])


def returned_rankings(user: User) -> QuerySet[Ranking]:
    """Rankings whose last review returned them to this trainer, not mended yet."""
    back = Review.objects.in_force().filter(ranking=OuterRef("pk"), decision=Decision.RETURNED).order_by()
    return (
        Ranking.objects.in_force()
        .filter(Exists(back), trainer=user, comparison__withdrawn_at__isnull=True)
        .exclude(comparison__state=Comparison.State.DISCARDED)
        .alias(last=last_decision("ranking"))
        .filter(last=Decision.RETURNED)
        .select_related("comparison__project", "assignment", "guideline_version")
        .defer("guideline_version__text")
    )


def returned_dialogues(user: User) -> QuerySet[Dialogue]:
    return Dialogue.objects.filter(
        author=user, state=Dialogue.State.RETURNED, superseded_by__isnull=True
    ).select_related("project")


def empty_comments(*, project: Project, user: User | None, about: Copies, text: str) -> int:
    """Withdrawal: `text` in the place of comments on what is withdrawn; of a whole person also of those that they made
    or that are on their work."""
    here = Q(ranking__comparison__project=project) | Q(dialogue__project=project)
    theirs = Q(ranking__comparison__in=about.comparison_ids) | Q(dialogue__in=about.dialogue_ids)
    if user is not None:
        theirs |= Q(reviewer=user) | Q(ranking__trainer=user) | Q(dialogue__author=user)
    found = set(Review.objects.filter(here, theirs).exclude(comment="", spans={}).values_list("pk", flat=True))
    Review.objects.filter(pk__in=found, comment="").update(spans={})
    return Review.objects.filter(pk__in=found).exclude(comment="").update(comment=text, spans={})


# -- blind votes ----------------------------------------------------------------------------------


@transaction.atomic
def leave_to_others(*, comparison: Comparison, reviewer: User) -> None:
    """A reviewer who wants to see the votes of others gives up their own, before they see them.

    Raises:
        Invalid: not a reviewer of the project.
    """
    locked = comparisons.locked(comparison.pk)
    require_reviewer(locked.project, reviewer)
    mine = Assignment.objects.filter(comparison=locked, trainer=reviewer).first()
    if mine is None:
        mine = leases.lease(comparison=locked, trainer=reviewer, kind=Assignment.Kind.RESEARCH)
    if mine.state in leases.OPEN:
        assignments.skip(assignment=mine, reason="Reviews the votes of others instead.")


@transaction.atomic
def blind_vote(*, comparison: Comparison, reviewer: User) -> Assignment:
    """A reviewer's own vote outside the count, on the trainers' page; the lease that they hold already, if any.

    Raises:
        Invalid: they voted on it or wrote its prompt. Gone: it was withdrawn.
    """
    locked = comparisons.locked(comparison.pk)
    require_reviewer(locked.project, reviewer)
    if locked.state not in Comparison.READY:
        raise Gone("This comparison cannot be ranked.")
    mine = Assignment.objects.filter(comparison=locked, trainer=reviewer).first()
    if mine is not None:
        if mine.state == Assignment.State.LEASED:
            return mine  # begun before, or theirs as an ordinary task
        if mine.state == Assignment.State.EXPIRED and mine.kind == Assignment.Kind.RESEARCH:
            return assignments.heartbeat(assignment=mine)
        raise Invalid("You have ranked or skipped this comparison before.")
    return leases.lease(comparison=locked, trainer=reviewer, kind=Assignment.Kind.RESEARCH)
