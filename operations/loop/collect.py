"""A round's comparisons: sampled from its policies, and ranked by the simulated trainers."""

from __future__ import annotations

from django.db.models import QuerySet

from accounts.models import User
from labeling import candidates, leases, rankings, stock
from labeling.models import Candidate, Comparison, Project, Prompt, Ranking, Round
from operations.loop.project import LoopError
from operations.loop.rule import Rule, rank
from operations.loop.run import LoopRun
from sampler.models import Completion, ModelVersion


def collect(run: LoopRun, round_: Round, policies: list[ModelVersion]) -> None:
    """Sample and rank all of them.

    Raises:
        LoopError: there is nothing that could be ranked.
    """
    run.sample(policies, lambda: _left(run.own.project, round_), f"round {round_.number}")
    trainers, project, rule = run.own.trainers, run.own.project, run.rule
    share = -(-_pool(project).count() // len(trainers))
    for trainer in trainers[:-1]:
        rank_all(project, trainer, rule, at_most=share)
    rank_all(project, trainers[-1], rule, at_most=None)
    ranked = Ranking.objects.in_force().filter(comparison__round=round_).count()
    if not ranked:
        raise LoopError(f"Round {round_.number} has no comparison that could be ranked.")
    run.say(f"round {round_.number}: {ranked} comparisons ranked by simulated trainers ({rule.words})")


def _left(project: Project, round_: Round) -> tuple[int, str]:
    # What the beat does as well where the services run; each row is settled once, whoever comes first.
    stock.keep_stock()
    candidates.settle_sampling()
    mine = Comparison.objects.filter(round=round_)
    total = _pool(project).count()
    ready = mine.exclude(state=Comparison.State.SAMPLING).count()
    drawn = Completion.objects.filter(request__in=mine.values("requests__request")).count()
    return total - ready, f"{ready} of {total} comparisons ready, {drawn} completions"


def _pool(project: Project) -> QuerySet[Prompt]:
    return Prompt.objects.filter(project=project, retired_at__isnull=True)


def rank_all(project: Project, trainer: User, rule: Rule, *, at_most: int | None) -> int:
    """A trainer's share, one after another, as the pages and the API hand them out; how many were ranked."""
    done = 0
    while at_most is None or done < at_most:
        assignment, _ = leases.lease_next(project=project, trainer=trainer, by_program=True)
        if assignment is None:
            break
        texts = Candidate.objects.filter(comparison=assignment.comparison).values_list(
            "completion_id", "completion__text"
        )
        groups = rank(rule, {str(cid): text for cid, text in texts}, by=trainer.username)
        ratings = {cid: max(1, 7 - place) for place, group in enumerate(groups) for cid in group}
        rankings.submit_ranking(assignment=assignment, groups=groups, ratings=ratings, note="Simulated.")
        done += 1
    return done
