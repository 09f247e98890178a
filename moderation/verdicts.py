"""Screening of texts: every prompt, turn and completion gets a verdict, whole, in whatever place it stands.

Moderation reads labeling and acts through its functions: a blocked completion takes its comparison out of
work, a blocked prompt leaves the pool, a blocked dialogue goes to review. Nothing is deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from accounts.audit import record
from labeling import comparisons, projects
from labeling.models import Candidate, Comparison, Dialogue, Project, Prompt, Turn
from labeling.quality import reviews
from moderation.filters.base import FILTERS
from moderation.models import Threshold, Verdict, VerdictFeedback

if TYPE_CHECKING:
    from accounts.models import User

Action, Target = Verdict.Action, Verdict.Target
Limits: TypeAlias = dict[str, tuple[float, float | None]]  # (warn at, block at) by category
BATCH = 500


def in_worker() -> list[str]:
    """Filters that the default worker runs by itself."""
    return [name for name in FILTERS.choices() if FILTERS.load(name).in_worker]


def thresholds(project: Project, name: str) -> Limits:
    """The filter's own, then the project's newest."""
    found: Limits = {category: (warn_at, None) for category, warn_at in FILTERS.load(name).categories.items()}
    for row in Threshold.objects.filter(project=project, filter=name).order_by("created_at"):
        found[row.category] = (row.warn_at, row.block_at)
    return found


def set_threshold(
    *, project: Project, filter: str, category: str, warn_at: float, block_at: float | None = None
) -> Threshold:
    """From now on; verdicts given before stand as they were given."""
    return Threshold.objects.create(
        project=project, filter=filter, category=category, warn_at=warn_at, block_at=block_at
    )


def judge(scores: Mapping[str, float], limits: Limits) -> tuple[str, str]:
    """(action, category that decided): the strictest action, then the highest score."""
    found: list[tuple[int, float, str]] = []
    for category, score in scores.items():
        warn_at, block_at = limits.get(category, (0.5, None))
        if block_at is not None and score >= block_at:
            found.append((2, score, category))
        elif score >= warn_at:
            found.append((1, score, category))
    if not found:
        return Action.NONE, ""
    strictness, _, category = max(found)
    return (Action.BLOCK if strictness == 2 else Action.WARN), category


def screen(project: Project, name: str, *, limit: int = BATCH) -> int:
    """Give verdicts on up to `limit` texts of each kind that have none yet; return how many."""
    chosen = FILTERS.load(name)
    limits = thresholds(project, name)
    done = 0
    for target, texts in _unseen(project, name, chosen.version, limit):
        if not texts:
            continue
        ids = list(texts)
        for text_id, scores in zip(ids, chosen.score([texts[one] for one in ids]), strict=True):
            done += _store(project, name, chosen.version, target, text_id, scores, limits)
    return done


def _unseen(project: Project, name: str, version: str, limit: int) -> Iterable[tuple[str, dict[UUID, str]]]:
    known = Verdict.objects.filter(project=project, filter=name, filter_version=version)

    def new(ref: str) -> Q:
        return Q(~Exists(known.filter(target_id=OuterRef(ref))))

    prompts = Prompt.objects.filter(new("pk"), project=project, retired_at__isnull=True)[:limit]
    yield Target.PROMPT, {prompt.pk: "\n".join(m["content"] for m in prompt.messages) for prompt in prompts}
    turns = Turn.objects.filter(new("pk"), dialogue__project=project).exclude(dialogue__state=Dialogue.State.DRAFT)
    yield Target.TURN, dict(turns.order_by().values_list("pk", "text")[:limit])
    alive = (Comparison.State.SAMPLING, *Comparison.READY)
    candidates = Candidate.objects.filter(
        new("completion_id"), comparison__project=project, comparison__state__in=alive
    )
    yield Target.COMPLETION, dict(candidates.order_by().values_list("completion_id", "completion__text")[:limit])


@transaction.atomic
def _store(
    project: Project, name: str, version: str, target: str, text_id: UUID, scores: dict[str, float], limits: Limits
) -> int:
    action, category = judge(scores, limits)
    verdict, made = Verdict.objects.get_or_create(
        project=project, target_id=text_id, filter=name, filter_version=version,
        defaults={"target": target, "scores": scores, "action": action, "category": category},
    )  # fmt: skip
    if made and action == Action.BLOCK:
        _block(verdict)
    return int(made)


def _block(verdict: Verdict) -> None:
    reason = f"Blocked by the content filter: {verdict.category}"
    if verdict.target == Target.COMPLETION:
        used = Candidate.objects.filter(completion_id=verdict.target_id, comparison__project_id=verdict.project_id)
        for candidate in used.select_related("comparison"):
            comparisons.discard(comparison=candidate.comparison, reason=reason)
    elif verdict.target == Target.PROMPT:
        projects.retire_prompts(prompts=Prompt.objects.filter(pk=verdict.target_id))
    else:
        dialogue = Dialogue.objects.filter(turns=verdict.target_id, state=Dialogue.State.SUBMITTED).first()
        if dialogue is not None:
            reviews.ask_review(dialogue=dialogue)
    record(actor=None, action="moderation.blocked", obj=verdict, fields=[verdict.category])


def mark(*, verdict: Verdict, user: User, harmful: bool, category: str = "") -> VerdictFeedback:
    """A person's word; a second one of the same person replaces the first."""
    feedback, _ = VerdictFeedback.objects.update_or_create(
        verdict=verdict, user=user, defaults={"harmful": harmful, "category": category}
    )
    record(actor=user, action="moderation.marked", obj=verdict, fields=["harmful"])
    return feedback


def text_of(verdict: Verdict) -> str:
    """The text that it is about, as it stands now; empty where it is gone."""
    if verdict.target == Target.PROMPT:
        prompt = Prompt.objects.filter(pk=verdict.target_id).first()
        return "\n".join(m["content"] for m in prompt.messages) if prompt else ""
    if verdict.target == Target.TURN:
        return Turn.objects.filter(pk=verdict.target_id).values_list("text", flat=True).first() or ""
    used = Candidate.objects.filter(completion_id=verdict.target_id)
    return used.values_list("completion__text", flat=True).first() or ""
