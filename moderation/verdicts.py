"""Verdicts on texts that nobody waited for, and what a block does to what holds them.

Live texts are screened where they come in (`labeling/contents.py`, `sampler/screener.py`). This finds the rest: pool
prompts, imports, submitted turns, and texts whose filter was down. A blocked completion takes its comparison out of
work, a blocked prompt leaves the pool, a blocked dialogue goes to review. Nothing is deleted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.audit import record
from labeling import comparisons, contents, projects
from labeling.models import Candidate, Comparison, Dialogue, Project, Prompt, Turn
from labeling.quality import reviews
from moderation.models import Verdict
from sampler.models import Completion
from screening import verdicts
from screening.asking import Findings, ask_in_pieces
from screening.filters.base import FILTERS
from screening.rules import Plan, Rule, plan_for, thresholds

Action, Target = Verdict.Action, Verdict.Target
BATCH = 500


def in_worker(project: Project) -> list[str]:
    """The project's filters that the default worker runs by itself."""
    return [rule.filter for rule in plan_for(project.pk).rules if FILTERS.load(rule.filter).in_worker]


def screen(project: Project, name: str, *, limit: int = BATCH, seconds: float | None = None) -> int:
    """Give verdicts on up to `limit` texts of each kind that have none of this filter yet, for at most `seconds` a
    kind; return how many got one."""
    chosen = FILTERS.load(name)
    whole = plan_for(project.pk)
    plan = Plan(project.pk, (Rule(name, thresholds(project.pk, name)),), whole.waits)
    done = 0
    for target, texts in _unseen(project, name, chosen.version, limit):
        for found in ask_in_pieces(plan, texts, seconds=seconds):
            _store(plan, whole, target, found)
            done += sum(not one.failed for findings in found.values() for one in findings)
    return done


def _unseen(project: Project, name: str, version: str, limit: int) -> Iterable[tuple[str, dict[UUID, str]]]:
    known = Verdict.objects.filter(project=project, filter=name, filter_version=version)

    def new(ref: str) -> Q:
        return Q(~Exists(known.filter(target_id=OuterRef(ref))))

    prompts = Prompt.objects.filter(new("pk"), project=project)[:limit]
    yield Target.PROMPT, {prompt.pk: contents.whole(prompt.messages) for prompt in prompts}
    brought = Comparison.objects.filter(new("pk"), project=project, turn__isnull=True, pool_prompt__isnull=True)
    yield Target.PROMPT, {pk: contents.whole(messages) for pk, messages in brought.values_list("pk", "prompt")[:limit]}
    turns = Turn.objects.filter(new("pk"), dialogue__project=project).exclude(
        dialogue__state=Dialogue.State.DRAFT, dialogue__kind=Dialogue.Kind.DEMONSTRATION
    )
    yield Target.TURN, dict(turns.order_by().values_list("pk", "text")[:limit])
    candidates = Candidate.objects.filter(new("completion_id"), comparison__project=project)
    taken = Turn.objects.filter(new("completion_id"), dialogue__project=project, completion__isnull=False)
    held = candidates.order_by().values_list("completion_id", flat=True)
    for ids in (held, taken.order_by().values_list("completion_id", flat=True)):
        rows = Completion.objects.filter(pk__in=list(ids[:limit]))
        yield Target.COMPLETION, {row.pk: row.screened_text for row in rows}


@transaction.atomic
def _store(plan: Plan, whole: Plan, target: str, found: dict[UUID, Findings]) -> None:
    verdicts.record(plan, target, found)
    if target == Target.COMPLETION:
        set_standing(whole, found)
    for verdict in Verdict.objects.filter(project_id=plan.project, target_id__in=list(found), action=Action.BLOCK):
        block(verdict)


@transaction.atomic
def set_standing(plan: Plan, completion_ids: Collection[UUID]) -> None:
    """Release or withhold completions as the verdicts on record say. Two filters that end at once take turns: the
    second sees the verdicts of both."""
    held = Completion.objects.filter(pk__in=completion_ids).order_by("pk")
    list(held.select_for_update(of=("self",), no_key=True).values_list("pk"))
    known = verdicts.known(plan, completion_ids)
    by_standing: dict[str, list[UUID]] = {}
    for pk in completion_ids:
        by_standing.setdefault(verdicts.standing(plan, known.get(pk, ())), []).append(pk)
    for withheld, ids in by_standing.items():
        Completion.objects.filter(pk__in=ids).exclude(withheld=withheld).update(withheld=withheld)


def block(verdict: Verdict) -> None:
    """What follows from a block for whatever holds the text. Doing it twice does no harm."""
    if verdict.target == Target.PROMPT:
        projects.retire_prompts(prompts=Prompt.objects.filter(pk=verdict.target_id, retired_at__isnull=True))
    elif verdict.target == Target.TURN:
        dialogue = Dialogue.objects.filter(turns=verdict.target_id, state=Dialogue.State.SUBMITTED).first()
        if dialogue is not None:
            reviews.ask_review(dialogue=dialogue)
    for comparison in _with(verdict).exclude(state=Comparison.State.DISCARDED):
        comparisons.discard(comparison=comparison, reason=f"Blocked by the content filter: {verdict.category}")
    record(actor=None, action="moderation.blocked", obj=verdict, fields=[verdict.category])


def _with(verdict: Verdict) -> QuerySet[Comparison]:
    """The comparisons that show its text: as a completion, or in the prompt."""
    rows = Comparison.objects.filter(project_id=verdict.project_id)
    if verdict.target == Target.COMPLETION:
        return rows.filter(Exists(Candidate.objects.filter(comparison=OuterRef("pk"), completion=verdict.target_id)))
    if verdict.target == Target.PROMPT:
        return rows.filter(Q(pk=verdict.target_id) | Q(pool_prompt=verdict.target_id))
    after = Turn.objects.filter(pk=verdict.target_id, dialogue=OuterRef("turn__dialogue"))
    return rows.filter(Exists(after.filter(position__lt=OuterRef("turn__position"))))


def text_of(verdict: Verdict) -> str:
    """The text that it is about, as it stands now; empty where it is gone."""
    if verdict.target == Target.MESSAGE:
        return str(verdict.text)
    if verdict.target == Target.PROMPT:
        prompt = Prompt.objects.filter(pk=verdict.target_id).first()
        held = prompt or Comparison.objects.filter(pk=verdict.target_id).first()
        return "" if held is None else contents.whole(held.messages if isinstance(held, Prompt) else held.prompt)
    if verdict.target == Target.TURN:
        return Turn.objects.filter(pk=verdict.target_id).values_list("text", flat=True).first() or ""
    return Completion.objects.filter(pk=verdict.target_id).values_list("text", flat=True).first() or ""
