"""Fifty threads against the leases: never one vote twice, never more votes than asked, none lost."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TypeVar

import pytest
from django.db import connection, connections
from django.utils import timezone

from accounts.models import User
from common.prepared import Prepared
from labeling import assignments, claiming, leases, rankings
from labeling.models import Assignment, Comparison, Ranking
from tests import makers

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]

THREADS = 50
A = TypeVar("A")


def in_threads(work: Callable[[A], object], arguments: Sequence[A]) -> None:
    errors: list[Exception] = []
    barrier = threading.Barrier(len(arguments))

    def run(argument: A) -> None:
        try:
            barrier.wait(30)
            work(argument)
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(argument,)) for argument in arguments]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not any(thread.is_alive() for thread in threads)
    assert errors == []


@pytest.mark.parametrize("votes", [1, 3])
def test_fifty_trainers_share_the_votes_of_few_comparisons_without_one_given_twice(votes: int) -> None:
    project = makers.make_project()
    trainers = [makers.make_member(project, f"trainer{n}") for n in range(THREADS)]
    made = [makers.make_comparison(project, votes=votes) for _ in range(20 if votes == 1 else 12)]
    leased: list[Assignment] = []

    def lease(trainer: User) -> None:
        assignment, _ = leases.lease_next(project=project, trainer=trainer)
        if assignment is not None:
            leased.append(assignment)

    in_threads(lease, trainers)
    assert len(leased) == min(THREADS, votes * len(made))
    assert len({(a.comparison_id, a.slot) for a in leased}) == len(leased)
    assert max(Counter(a.comparison_id for a in leased).values()) <= votes


def test_crashes_skips_and_expiries_in_between_still_end_with_exactly_the_votes_asked() -> None:
    project = makers.make_project()
    trainers = [makers.make_member(project, f"trainer{n}") for n in range(12)]
    made = [makers.make_comparison(project, k=2, votes=2) for _ in range(15)]

    def work(trainer: User) -> None:
        rng = random.Random(trainer.username)
        for _ in range(40):
            assignment, _ = leases.lease_next(project=project, trainer=trainer)
            if assignment is None:
                break
            dice = rng.random()
            if dice < 0.1:
                assignments.skip(assignment=assignment, reason="no opinion")
            elif dice < 0.25:  # crashed: it does nothing more, and another process expires it
                Assignment.objects.filter(pk=assignment.pk).update(expires_at=timezone.now() - timedelta(minutes=1))
                leases.expire_leases()
                if rng.random() < 0.5:  # and yet its ranking arrives late
                    rankings.submit_ranking(assignment=assignment, groups=[[c] for c in assignment.order_shown])
            else:
                rankings.submit_ranking(assignment=assignment, groups=[[c] for c in assignment.order_shown])

    in_threads(work, trainers)
    for comparison in made:
        counted = Ranking.objects.filter(comparison=comparison, kind="vote")
        assert counted.count() == 2
        assert counted.values("trainer").distinct().count() == 2
    assert set(Comparison.objects.values_list("state", flat=True)) == {"closed"}
    surplus = Ranking.objects.filter(kind="surplus").count()
    assert Assignment.objects.filter(state="submitted").count() == 2 * len(made) + surplus


def test_two_tabs_of_one_trainer_get_one_lease(transactional_db: None) -> None:
    project = makers.make_project()
    trainer = makers.make_member(project, "alice")
    for _ in range(5):
        makers.make_comparison(project)
    in_threads(lambda _: leases.lease_next(project=project, trainer=trainer), list(range(8)))
    assert Assignment.objects.filter(trainer=trainer).count() == 1
    assert connection.vendor == "postgresql"


def test_who_lost_a_vote_to_another_holds_no_lock_while_they_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under load many lose a vote. When they kept the comparison locked until they had another, whoever had won it
    waited to submit, and with 32 trainers at the same oldest comparisons half of a submission was this wait."""
    project = makers.make_project()
    alice, bob = (makers.make_member(project, name) for name in ("alice", "bob"))
    contested, other = makers.make_comparison(project), makers.make_comparison(project)
    leases.lease(comparison=contested, trainer=bob)
    held_votes = "a.slot IS NOT NULL AND a.state IN"
    blind = claiming.STATEMENT.replace(held_votes, "false AND a.state IN", 1).replace(
        "AND a.slot = slot.slot", "AND false"
    )
    first = claiming.FIRST.format(whose=claiming.NORMAL)
    text = blind.format(rankers=claiming.RANKERS, whose=claiming.NORMAL, first=first)
    honest, tried = claiming.statement(hidden=False, exclude_own=True), list[str]()

    def statement(**_: bool) -> Prepared:
        tried.append("lost" if not tried else "again")
        if tried == ["lost"]:
            return Prepared("blind_to_votes", text, claiming.TYPES)
        in_threads(submit, [bob])
        return honest

    def submit(trainer: User) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '2s'")
        assignment = Assignment.objects.get(trainer=trainer)
        rankings.submit_ranking(assignment=assignment, groups=[[c] for c in assignment.order_shown])

    monkeypatch.setattr(claiming, "statement", statement)
    lease, _ = leases.lease_next(project=project, trainer=alice)
    assert lease is not None
    assert lease.comparison_id == other.pk
    assert tried == ["lost", "again"]
