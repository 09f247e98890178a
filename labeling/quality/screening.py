"""Which finished work a reviewer is asked to look at: the project's rules, applied at submission.

Called inside the transaction that submits, so that the queue and the work never part.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction

from labeling import edits, randomness
from labeling.models import Comparison, Dialogue, Ranking, RedTeamAttempt, ReviewItem, Turn
from labeling.quality import overlap
from labeling.quality.rules import ExamRules, ReviewRules

Reason = ReviewItem.Reason
MOST_SEASONED = 50_000
_seasoned: set[tuple[UUID, int | None, int]] = set()  # trainers past their first work: nobody becomes new again


def screen_ranking(ranking: Ranking, votes: Sequence[Ranking]) -> list[str]:
    """Put the ranking into the review queue if a rule picks it, by itself or beside the other `votes` on its
    comparison; return the reasons.

    That of a hidden item is screened too and then forgotten: its trainer must not be able to tell by the time.
    """
    if ranking.kind != Ranking.Kind.VOTE:
        return []
    project = ranking.comparison.project
    rules = ReviewRules.of(project.review_rules)
    reasons: list[str] = [Reason.MENDED] if ranking.supersedes_id else []
    if randomness.falls_in_share(ranking.pk, rules.random_share):
        reasons.append(Reason.RANDOM)
    if rules.new_trainer and _is_new(ranking, rules.new_trainer):
        reasons.append(Reason.NEW_TRAINER)
    if rules.fast_seconds and not ranking.not_rankable and (ranking.seconds or 0) < rules.fast_seconds:
        reasons.append(Reason.FAST)
    if rules.contradictions and ranking.contradiction_confirmed:
        reasons.append(Reason.CONTRADICTION)
    if rules.low_agreement:
        for other in votes:
            if other.pk != ranking.pk and overlap.disagree([ranking, other], project.adaptive_tau_bound):
                other.comparison = ranking.comparison
                _queue_ranking(other, [Reason.LOW_AGREEMENT])
                reasons.append(Reason.LOW_AGREEMENT)
    return reasons if reasons and _queue_ranking(ranking, reasons) else []


def _is_new(ranking: Ranking, first: int) -> bool:
    """Whether it is among the first rankings of its trainer in the project."""
    key = (ranking.comparison.project_id, ranking.trainer_id, first)
    if key in _seasoned:
        return False
    own = Ranking.objects.filter(trainer_id=ranking.trainer_id, comparison__project=ranking.comparison.project_id)
    if own.order_by()[: first + 1].count() <= first:
        return True
    if len(_seasoned) >= MOST_SEASONED:
        _seasoned.clear()
    _seasoned.add(key)
    return False


def screen_dialogue(dialogue: Dialogue) -> list[str]:
    """The same for a dialogue."""
    project = dialogue.project
    rules, exam = ReviewRules.of(project.review_rules), ExamRules.of(project.exam)
    reasons: list[str] = []
    if dialogue.supersedes_id and dialogue.supersedes and dialogue.supersedes.state == Dialogue.State.RETURNED:
        reasons.append(Reason.MENDED)
    if randomness.falls_in_share(dialogue.pk, rules.random_share):
        reasons.append(Reason.RANDOM)
    if dialogue.kind == Dialogue.Kind.DEMONSTRATION:
        own = Dialogue.objects.filter(
            project=project, author_id=dialogue.author_id, kind=dialogue.kind, submitted_at__isnull=False
        )
        earlier = own[: max(rules.new_trainer, exam.demonstrations) + 1].count()
        if exam.required and earlier <= exam.demonstrations:
            reasons.append(Reason.EXAM)
        if earlier <= rules.new_trainer:
            reasons.append(Reason.NEW_TRAINER)
        if rules.verbatim_share and verbatim_share(dialogue) >= rules.verbatim_share:
            reasons.append(Reason.VERBATIM)
    if dialogue.rule_id and (reasons or _says_broken(dialogue)):
        reasons.append(Reason.RED_TEAM)
    if reasons:
        ReviewItem.objects.get_or_create(dialogue=dialogue, defaults={"project": project, "reasons": reasons})
    return reasons


def _says_broken(dialogue: Dialogue) -> bool:
    return RedTeamAttempt.objects.filter(dialogue=dialogue, outcome=RedTeamAttempt.Outcome.BROKEN).exists()


def verbatim_share(dialogue: Dialogue) -> float:
    """Share of the assistant's turns that are a suggestion as the model wrote it."""
    turns = Turn.objects.filter(dialogue=dialogue, role=Turn.Role.ASSISTANT).select_related("completion")
    taken = [turn.completion is not None and edits.is_verbatim(turn.completion.text, turn.text) for turn in turns]
    return sum(taken) / len(taken) if taken else 0.0


@transaction.atomic
def _queue_ranking(ranking: Ranking, reasons: Sequence[str]) -> bool:
    """Queue it, or take up the reasons if it is there; whether it is in the queue now."""
    item, made = ReviewItem.objects.get_or_create(
        ranking_id=ranking.pk,
        defaults={"project_id": ranking.comparison.project_id, "reasons": list(dict.fromkeys(reasons))},
    )
    if not made and (fresh := [reason for reason in dict.fromkeys(reasons) if reason not in item.reasons]):
        item.reasons = [*item.reasons, *fresh]
        item.save(update_fields=["reasons"])
    hidden = ranking.comparison.kind != Comparison.Kind.NORMAL
    if hidden:
        transaction.set_rollback(True)
    return not hidden
