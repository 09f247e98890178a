"""What may be written on one ranking: under its lease, after that ran out, when it was handed in or returned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from accounts.models import User
from labeling import assignments, comparisons, corrections, leases, rankings, withdrawal
from labeling.models import Assignment, Comparison, Project, Ranking
from labeling.quality import adjudication, decisions, hidden, reviews
from tests import makers
from tests.races.cast import Cast
from tests.races.pairs import Situation, taken


@dataclass
class Work:
    """One comparison, leased to alice."""

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


def leased(cast: Cast, *, votes: int = 1) -> Work:
    author = cast.people["carol"]
    comparison = makers.make_comparison(
        cast.project, k=3, votes=votes, prompt="Why is the sky blue?", author=author, content_hash=""
    )
    lease = makers.make_lease(comparison, cast.people["alice"])
    assignments.save_draft(assignment=lease, draft={"note": "begun"})
    return Work(cast.project, comparison, lease, cast.people)


def overdue(cast: Cast) -> Work:
    work = leased(cast)
    Assignment.objects.filter(pk=work.lease.pk).update(expires_at=timezone.now() - timedelta(minutes=1))
    return work


def expired(cast: Cast) -> Work:
    work = overdue(cast)
    leases.expire_leases()
    return work


def submitted(cast: Cast, *, votes: int = 1) -> Work:
    work = leased(cast, votes=votes)
    submit(work)
    return work


def returned(cast: Cast) -> Work:
    work = submitted(cast)
    decide(work, "rita", "returned", "Look again.")
    return work


def golden(cast: Cast) -> Work:
    """Rita's order stands for alice's."""
    work = submitted(cast)
    gold(work, "rita")
    return work


def two_votes(cast: Cast) -> Work:
    """Alice has handed hers in and bob holds the second vote."""
    work = submitted(cast, votes=2)
    makers.make_lease(work.comparison, work.people["bob"])
    return work


def submit(work: Work) -> object:
    return rankings.submit_ranking(assignment=_fresh(work.lease), groups=work.order(), note="mine", seconds=60)


def submit_another(work: Work) -> object:
    groups = work.order(reverse=True)
    return rankings.submit_ranking(assignment=_fresh(work.lease), groups=groups, note="another", seconds=60)


def submit_and_next(work: Work) -> object:
    """As the page does it, with an ideal answer, which is a demonstration of its own."""
    return rankings.submit_and_lease_next(
        assignment=_fresh(work.lease), trainer=work.people["alice"], groups=work.order(), note="and next",
        ideal_answer="Short waves scatter more.", seconds=60,
    )  # fmt: skip


def submit_by_id(work: Work) -> object:
    """As a program does it, which is told that nothing of this id is theirs where they left meanwhile."""
    alice, groups = work.people["alice"], work.order()
    return taken(rankings.submit_own(pk=work.lease.pk, trainer=alice, groups=groups, note="by id", seconds=60))


def submit_bobs(work: Work) -> object:
    lease = Assignment.objects.get(comparison=work.comparison, trainer=work.people["bob"])
    return rankings.submit_ranking(assignment=lease, groups=work.order(reverse=True), note="bob's", seconds=60)


def skip(work: Work) -> object:
    return assignments.skip(assignment=_fresh(work.lease), reason="no opinion")


def save_draft(work: Work) -> object:
    return assignments.save_draft(assignment=_fresh(work.lease), draft={"note": "later"})


def heartbeat(work: Work) -> object:
    return assignments.heartbeat(assignment=_fresh(work.lease))


def expire(work: Work) -> object:
    return leases.expire_leases()


def lease_next(work: Work, name: str) -> object:
    return leases.lease_next(project=work.project, trainer=work.people[name])


def undo(work: Work) -> object:
    return corrections.undo_ranking(assignment=_fresh(work.lease))


def decide(work: Work, name: str, decision: str, comment: str = "") -> object:
    return reviews.decide(reviewer=work.people[name], decision=decision, ranking=work.ranking, comment=comment)


def undo_decision(work: Work, name: str) -> object:
    return decisions.undo_last(project=work.project, reviewer=work.people[name])


def gold(work: Work, name: str) -> object:
    order = work.order(reverse=True)
    return adjudication.adjudicate(
        comparison=work.comparison,
        reviewer=work.people[name],
        order_shown=[cid for group in order for cid in group],
        groups=order,
        note=f"{name}'s",
    )


def mend(work: Work, *, reverse: bool) -> object:
    note = "mended back" if reverse else "mended"
    return corrections.mend_ranking(ranking=work.ranking, groups=work.order(reverse=reverse), note=note)


def ask_review(work: Work) -> None:
    reviews.ask_review(ranking=work.ranking)


def make_item(work: Work) -> object:
    return hidden.make_original(ranking=work.ranking, kind="calibration")


def leave_to_others(work: Work) -> None:
    reviews.leave_to_others(comparison=work.comparison, reviewer=work.people["rita"])


def blind_vote(work: Work) -> object:
    return reviews.blind_vote(comparison=work.comparison, reviewer=work.people["rita"])


def discard(work: Work) -> object:
    return comparisons.discard(comparison=Comparison.objects.get(pk=work.comparison.pk), reason="bad prompt")


def withdraw(work: Work, name: str) -> object:
    return withdrawal.withdraw(project=work.project, user=work.people[name])


def _fresh(lease: Assignment) -> Assignment:
    return Assignment.objects.select_related("comparison__project").get(pk=lease.pk)


EVERYBODYS = {
    "discard": discard,
    "withdraw alice": lambda work: withdraw(work, "alice"),
    "withdraw carol": lambda work: withdraw(work, "carol"),
}
UNDER_A_LEASE = {
    "submit": submit, "submit another": submit_another, "submit and next": submit_and_next,
    "submit by id": submit_by_id, "skip": skip, "draft": save_draft,
}  # fmt: skip
REVIEWS = {
    "accept": lambda work: decide(work, "rita", "accepted"),
    "return": lambda work: decide(work, "ron", "returned", "Look again."),
    "exclude": lambda work: decide(work, "ron", "excluded"),
}

SITUATIONS: Sequence[Situation[Work]] = (
    Situation(
        "leased", leased,
        {**UNDER_A_LEASE, "heartbeat": heartbeat, "bob leases": lambda work: lease_next(work, "bob"), **EVERYBODYS},
    ),
    Situation("overdue", overdue, {**UNDER_A_LEASE, "heartbeat": heartbeat, "expire": expire}),
    Situation(
        "expired", expired,
        {
            **UNDER_A_LEASE, "heartbeat": heartbeat, "bob leases": lambda work: lease_next(work, "bob"),
            "alice leases": lambda work: lease_next(work, "alice"), **EVERYBODYS,
        },
    ),
    Situation(
        "submitted", submitted,
        {
            "undo": undo, **REVIEWS, "submit": submit, "submit another": submit_another, "ask review": ask_review,
            "make item": make_item, "blind vote": blind_vote, "leave to others": leave_to_others,
            "gold": lambda work: gold(work, "rita"), "ron's gold": lambda work: gold(work, "ron"), **EVERYBODYS,
        },
    ),
    Situation(
        "returned", returned,
        {
            "mend": lambda work: mend(work, reverse=False), "mend back": lambda work: mend(work, reverse=True),
            "undo": undo, "undo decision": lambda work: undo_decision(work, "rita"), **REVIEWS, **EVERYBODYS,
        },
    ),
    Situation(
        "golden", golden,
        {
            "undo decision": lambda work: undo_decision(work, "rita"), "undo": undo,
            "mend": lambda work: mend(work, reverse=False), "gold": lambda work: gold(work, "rita"),
            "ron's gold": lambda work: gold(work, "ron"), **REVIEWS, **EVERYBODYS,
        },
    ),
    Situation(
        "two votes", two_votes,
        {"submit bob's": submit_bobs, "undo": undo, "accept": REVIEWS["accept"], "discard": discard,
         "withdraw carol": EVERYBODYS["withdraw carol"]},
    ),
)  # fmt: skip
