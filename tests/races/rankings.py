"""What may be written on one ranking: under its lease, after that ran out, when it was handed in or returned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import count

from django.utils import timezone

from accounts.models import User
from labeling import comparisons, leases, quality, reviews, withdrawal
from labeling.models import Assignment, Comparison, Project, Ranking
from tests import makers
from tests.races.pairs import Situation

numbers = count(1)


@dataclass
class Work:
    """One comparison, leased to alice; bob is another trainer, carol wrote the prompt, rita and ron review."""

    project: Project
    comparison: Comparison
    lease: Assignment
    people: dict[str, User]

    def order(self, *, reverse: bool = False) -> list[list[str]]:
        ids = [str(candidate.completion_id) for candidate in self.comparison.candidates.order_by("index")]
        return [[cid] for cid in (reversed(ids) if reverse else ids)]

    @property
    def ranking(self) -> Ranking:
        """Alice's first one, whatever became of it."""
        return Ranking.objects.filter(assignment=self.lease).order_by("submitted_at").first() or Ranking()


def people(project: Project, number: int) -> dict[str, User]:
    roles = {"alice": "trainer", "bob": "trainer", "carol": "trainer", "rita": "reviewer", "ron": "reviewer"}
    return {name: makers.make_member(project, f"{name}.{number}", role=role) for name, role in roles.items()}


def leased(*, votes: int = 1) -> Work:
    number = next(numbers)
    project = makers.make_project(f"races-{number}", stock_target=0)
    cast = people(project, number)
    comparison = makers.make_comparison(project, k=3, votes=votes, prompt="Why is the sky blue?", author=cast["carol"])
    lease = makers.make_lease(comparison, cast["alice"])
    comparisons.save_draft(assignment=lease, draft={"note": "begun"})
    return Work(project, comparison, lease, cast)


def overdue() -> Work:
    work = leased()
    Assignment.objects.filter(pk=work.lease.pk).update(expires_at=timezone.now() - timedelta(minutes=1))
    return work


def expired() -> Work:
    work = overdue()
    leases.expire_leases()
    return work


def submitted(*, votes: int = 1) -> Work:
    work = leased(votes=votes)
    submit(work)
    return work


def returned() -> Work:
    work = submitted()
    decide(work, "rita", "returned", "Look again.")
    return work


def two_votes() -> Work:
    """Alice has handed hers in and bob holds the second vote."""
    work = submitted(votes=2)
    makers.make_lease(work.comparison, work.people["bob"])
    return work


def submit(work: Work) -> object:
    return comparisons.submit_ranking(assignment=_fresh(work.lease), groups=work.order(), note="mine", seconds=60)


def submit_another(work: Work) -> object:
    groups = work.order(reverse=True)
    return comparisons.submit_ranking(assignment=_fresh(work.lease), groups=groups, note="another", seconds=60)


def submit_bobs(work: Work) -> object:
    lease = Assignment.objects.get(comparison=work.comparison, trainer=work.people["bob"])
    return comparisons.submit_ranking(assignment=lease, groups=work.order(reverse=True), note="bob's", seconds=60)


def skip(work: Work) -> object:
    return comparisons.skip(assignment=_fresh(work.lease), reason="no opinion")


def save_draft(work: Work) -> object:
    return comparisons.save_draft(assignment=_fresh(work.lease), draft={"note": "later"})


def heartbeat(work: Work) -> object:
    return leases.heartbeat(assignment=_fresh(work.lease))


def expire(work: Work) -> object:
    return leases.expire_leases()


def lease_next(work: Work, name: str) -> object:
    return leases.lease_next(project=work.project, trainer=work.people[name])


def undo(work: Work) -> object:
    return comparisons.undo_ranking(assignment=_fresh(work.lease))


def decide(work: Work, name: str, decision: str, comment: str = "") -> object:
    return reviews.decide(reviewer=work.people[name], decision=decision, ranking=work.ranking, comment=comment)


def mend(work: Work, *, reverse: bool) -> object:
    note = "mended back" if reverse else "mended"
    return reviews.mend_ranking(ranking=work.ranking, groups=work.order(reverse=reverse), note=note)


def ask_review(work: Work) -> object:
    return reviews.ask_review(ranking=work.ranking)


def make_item(work: Work) -> object:
    return quality.make_original(ranking=work.ranking, kind="calibration")


def blind_vote(work: Work) -> object:
    return reviews.blind_vote(comparison=work.comparison, reviewer=work.people["rita"])


def discard(work: Work) -> object:
    return comparisons.discard(comparison=Comparison.objects.get(pk=work.comparison.pk), reason="bad prompt")


def withdraw(work: Work, name: str) -> object:
    return withdrawal.withdraw(project=work.project, user=work.people[name])


def _fresh(lease: Assignment) -> Assignment:
    return Assignment.objects.select_related("comparison__project").get(pk=lease.pk)


def _project(work: Work) -> Project:
    return work.project


EVERYBODYS = {
    "discard": discard,
    "withdraw alice": lambda work: withdraw(work, "alice"),
    "withdraw carol": lambda work: withdraw(work, "carol"),
}
UNDER_A_LEASE = {"submit": submit, "submit another": submit_another, "skip": skip, "draft": save_draft}
REVIEWS = {
    "accept": lambda work: decide(work, "rita", "accepted"),
    "return": lambda work: decide(work, "ron", "returned", "Look again."),
    "exclude": lambda work: decide(work, "ron", "excluded"),
}

SITUATIONS: Sequence[Situation[Work]] = (
    Situation(
        "leased", leased, _project,
        {**UNDER_A_LEASE, "heartbeat": heartbeat, "bob leases": lambda work: lease_next(work, "bob"), **EVERYBODYS},
    ),
    Situation("overdue", overdue, _project, {**UNDER_A_LEASE, "heartbeat": heartbeat, "expire": expire}),
    Situation(
        "expired", expired, _project,
        {
            **UNDER_A_LEASE, "heartbeat": heartbeat, "bob leases": lambda work: lease_next(work, "bob"),
            "alice leases": lambda work: lease_next(work, "alice"), **EVERYBODYS,
        },
    ),
    Situation(
        "submitted", submitted, _project,
        {
            "undo": undo, **REVIEWS, "submit": submit, "submit another": submit_another, "ask review": ask_review,
            "make item": make_item, "blind vote": blind_vote, **EVERYBODYS,
        },
    ),
    Situation(
        "returned", returned, _project,
        {
            "mend": lambda work: mend(work, reverse=False), "mend back": lambda work: mend(work, reverse=True),
            "undo": undo, **REVIEWS, **EVERYBODYS,
        },
    ),
    Situation(
        "two votes", two_votes, _project,
        {"submit bob's": submit_bobs, "undo": undo, "accept": REVIEWS["accept"], "discard": discard,
         "withdraw carol": EVERYBODYS["withdraw carol"]},
    ),
)  # fmt: skip
