"""Verdicts as rows: written once a text was screened, read by whoever lets a text count."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from screening.asking import Finding, Findings, blocked_by, missing
from screening.models import Verdict, VerdictFeedback
from screening.rules import Limits, Plan, harms_in, judge

Target = Verdict.Target
OPEN, WAITING, BLOCKED = "", "waiting", "blocked"
BATCH = 1_000


def standing(plan: Plan, findings: Findings) -> str:
    """Whether a text counts: OPEN, WAITING for a filter that blocks, or BLOCKED."""
    if blocked_by(findings):
        return BLOCKED
    return WAITING if missing(plan, findings) else OPEN


def record(plan: Plan, target: str, found: Mapping[UUID, Findings]) -> None:
    """Keep what was said of texts, in one statement. A filter that was down leaves a row where the project goes on
    without it, and none where its word is waited for. A text that is screened again has its verdict replaced."""
    rows = [
        _row(plan, target, text_id, one)
        for text_id, findings in found.items()
        for one in findings
        if not (one.failed and plan.waits)
    ]
    if rows:
        Verdict.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["target_id", "project", "filter", "filter_version"],
            update_fields=["scores", "category", "action", "harms", "failed"],
        )


def record_unsent(plan: Plan, *, text: str, author_id: int | None, findings: Findings) -> Verdict:
    """Keep a blocked message, which is stored nowhere else, so that its author can say that the filter is wrong."""
    message = uuid4()
    rows = [_row(plan, Target.MESSAGE, message, one, text, author_id) for one in findings if not one.failed]
    Verdict.objects.bulk_create(rows)
    return next(row for row in rows if row.action == Verdict.Action.BLOCK)


def _row(plan: Plan, target: str, text_id: UUID, one: Finding, text: str = "", author_id: int | None = None) -> Verdict:
    return Verdict(
        project_id=plan.project,
        target=target,
        target_id=text_id,
        filter=one.filter,
        filter_version=one.version,
        scores=dict(one.scores),
        category=one.category,
        action=one.action,
        harms=list(one.harms),
        failed=one.failed,
        text=text,
        author_id=author_id,
    )


def known(plan: Plan, text_ids: Iterable[UUID]) -> dict[UUID, Findings]:
    """What is on record of these texts, newest version of a filter last."""
    rows = Verdict.objects.filter(project_id=plan.project, target_id__in=list(text_ids)).order_by("created_at")
    found: dict[UUID, dict[str, Finding]] = defaultdict(dict)
    for row in rows:
        # A recorded failure counts as a word: the project said to go on without one.
        found[row.target_id][row.filter] = Finding(
            row.filter, row.filter_version, row.scores, Verdict.Action(row.action), row.category, harms=row.harms
        )
    return {text_id: tuple(by_filter.values()) for text_id, by_filter in found.items()}


def in_force() -> QuerySet[Verdict]:
    """Of a filter its newest version counts on a text, and not one that was down."""
    same = {name: OuterRef(name) for name in ("target_id", "project", "filter")}
    newer = Verdict.objects.filter(**same, failed="", created_at__gt=OuterRef("created_at")).order_by()
    return Verdict.objects.filter(~Exists(newer), failed="")


def harms_on_record(project: UUID, text_ids: Collection[UUID]) -> dict[UUID, set[str]]:
    """The categories that warn or block, of each text that has one; of a filter its newest version counts."""
    rows = Verdict.objects.filter(project=project, target_id__in=text_ids, failed="").order_by("created_at")
    newest: dict[tuple[UUID, str], list[str]] = {}
    for text_id, name, harms in rows.values_list("target_id", "filter", "harms"):
        newest[text_id, name] = harms
    found: dict[UUID, set[str]] = defaultdict(set)
    for (text_id, _), harms in newest.items():
        if harms:
            found[text_id].update(harms)
    return dict(found)


def standing_on_record(plan: Plan, text_id: UUID) -> str:
    """As `standing`, of a text that nobody is asked about now. A filter that blocks and has left no word was not asked
    yet: whether the project goes on without one that is down does not matter then."""
    said = known(plan, [text_id]).get(text_id, ())
    if blocked_by(said):
        return BLOCKED
    heard = {one.filter for one in said}
    return WAITING if any(rule.blocks and rule.filter not in heard for rule in plan.rules) else OPEN


def judged(plan: Plan, ref: str) -> Q:
    """Rows, with the id of a text in the column `ref`, whose text every filter that blocks let through."""
    words = Verdict.objects.filter(project_id=plan.project, target_id=OuterRef(ref))
    heard = [Q(Exists(words.filter(filter=rule.filter))) for rule in plan.rules if rule.blocks]
    free = ~Exists(words.filter(action=Verdict.Action.BLOCK, filter__in=[rule.filter for rule in plan.rules]))
    return Q(*heard, Q(free)) if heard else Q()


def blocked_among(project: UUID, text_ids: Collection[UUID]) -> set[UUID]:
    """Of these texts, those that a filter blocks."""
    rows = Verdict.objects.filter(project_id=project, target_id__in=text_ids, action=Verdict.Action.BLOCK)
    return set(rows.values_list("target_id", flat=True))


def replace(plan: Plan, target: str, text_id: UUID, findings: Findings) -> None:
    """Keep what was said of a text that has changed; what others said of it before was about other words."""
    Verdict.objects.filter(project_id=plan.project, target_id=text_id).delete()
    record(plan, target, {text_id: findings})


def strictest(verdicts: Sequence[Verdict]) -> Verdict | None:
    """Of the verdicts on one text, the one that decides."""
    order = {Verdict.Action.BLOCK: 0, Verdict.Action.WARN: 1}
    acting = [one for one in verdicts if one.action in order]
    return min(acting, key=lambda one: order[Verdict.Action(one.action)], default=None)


def rejudge(*, project: UUID, name: str, limits: Limits) -> Iterator[list[Verdict]]:
    """What follows from a filter's stored scores under these thresholds; the verdicts that changed, batch by batch.
    What followed before is kept with its date, so that an export of an earlier cutoff still says what stood then."""
    last = UUID(int=0)
    rows = Verdict.objects.filter(project=project, filter=name, failed="").order_by("pk")
    while batch := list(rows.filter(pk__gt=last)[:BATCH]):
        last = batch[-1].pk
        other = [row.pk for row in batch if _judged(row.scores, limits) != (row.action, row.category, row.harms)]
        if other:
            yield _judge_anew(other, limits)


@transaction.atomic
def _judge_anew(ids: Sequence[UUID], limits: Limits) -> list[Verdict]:
    now = timezone.now()
    changed = []
    for row in Verdict.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True, of=("self",)):
        action, category, harms = _judged(row.scores, limits)
        if (action, category, harms) == (row.action, row.category, row.harms):
            continue
        if (action, category) != (row.action, row.category):
            row.earlier.append({"action": row.action, "category": row.category, "until": now.isoformat()})
            row.action, row.category, row.rejudged_at = action, category, now
        row.harms = harms
        changed.append(row)
    Verdict.objects.bulk_update(changed, ["action", "category", "harms", "earlier", "rejudged_at"])
    return changed


def _judged(scores: Mapping[str, float], limits: Limits) -> tuple[str, str, list[str]]:
    return (*judge(scores, limits), harms_in(scores, limits))


def empty_unsent(*, project: UUID, author_id: int, text: str) -> int:
    """Withdrawal: the words of a person's blocked messages go."""
    return Verdict.objects.filter(project_id=project, author_id=author_id, target=Target.MESSAGE).update(text=text)


def empty_comments(*, project: UUID, user_id: int | None, about: Collection[UUID]) -> int:
    """Withdrawal: the marks stay; everybody's words on texts that are withdrawn go, and those of a whole person."""
    theirs = Q(verdict__target_id__in=about)
    if user_id is not None:
        theirs |= Q(user=user_id) | Q(verdict__author=user_id)
    rows = VerdictFeedback.objects.filter(theirs, verdict__project=project)
    wordless = [row for row in rows.select_for_update(of=("self",)) if row.comment or row.earlier]
    for row in wordless:
        row.comment, row.earlier = "", [{**word, "comment": ""} for word in row.earlier]
    return VerdictFeedback.objects.bulk_update(wordless, ["comment", "earlier"]) if wordless else 0
