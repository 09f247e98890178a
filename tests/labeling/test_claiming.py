"""The statement that leases: its plan, whom it gives what, and what it does when another was quicker."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from accounts.models import User
from benchmarks import filling
from common.prepared import Prepared
from labeling import assignments, claiming, leases
from labeling.models import Assignment, Comparison, Project
from tests import makers

pytestmark = pytest.mark.django_db
NORMAL = Comparison.Kind.NORMAL
Plan = dict[str, object]


def nodes(plan: Plan) -> Iterator[Plan]:
    yield plan
    for inner in plan.get("Plans") or []:  # type: ignore[attr-defined]
        yield from nodes(inner)


def values(project: Project, trainer: User) -> dict[str, UUID | str | int | datetime]:
    now = timezone.now()
    return {
        "project": project.pk, "trainer": trainer.pk, "kind": NORMAL, "look": True, "since": claiming.ALWAYS,
        "id": uuid4(), "orders": claiming._orders(1), "seed": 1, "now": now, "expires": now,
    }  # fmt: skip


def _explained(cursor: CursorWrapper, statement: Prepared, project: Project, trainer: User) -> Plan:
    """The plan with which it is executed, and what was read."""
    cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")  # as every connection has it
    cursor.execute(statement.prepare.replace(statement.name, "explained", 1) % ())
    execute = statement.execute.replace(statement.name, "explained", 1)
    cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {execute}", values(project, trainer))
    (found,) = cursor.fetchone() or ([{"Plan": {}}],)
    cursor.execute("DEALLOCATE explained")
    return cast(Plan, found[0]["Plan"])


LARGE = {"labeling_comparison", "labeling_assignment", "labeling_candidate", "sampler_completion"}


@pytest.mark.parametrize("exclude_own", [False, True])
def test_its_plan_walks_the_open_comparisons_by_age_and_looks_at_each_by_an_index(
    project: Project, alice: User, bob: User, exclude_own: bool
) -> None:
    filling.fill_open(project, count=3000, votes=3)
    with connection.cursor() as cursor:
        cursor.execute("""INSERT INTO labeling_assignment (id, comparison_id, trainer_id, kind, slot, state,
            order_shown, order_seed, draft, draft_version, seconds, skip_reason, created_at, heartbeat_at, expires_at)
            SELECT gen_random_uuid(), id, %s, 'vote', 0, 'submitted', '[]', 1, '{}', 0, 0, '', now(), now(), now()
            FROM labeling_comparison ORDER BY opened_at LIMIT 1000""", [alice.pk])  # fmt: skip
        cursor.execute("ANALYZE labeling_comparison, labeling_assignment, labeling_candidate, sampler_completion")
        whole = _explained(cursor, claiming.statement(hidden=False, exclude_own=exclude_own), project, alice)
    scans = {
        (str(node["Relation Name"]), str(node.get("Index Name")))
        for node in nodes(whole)
        if "Relation Name" in node and "Scan" in str(node["Node Type"])
    }
    by = {index for table, index in scans if table == "labeling_comparison"}
    assert by == {"comparison_open", "labeling_comparison_pkey"}  # the latter for what the trainer has begun
    # Joins come after, over the rows of the one that was chosen; those that the trainer had are only looked at.
    assert max(float(str(node["Actual Rows"])) for node in nodes(whole)) <= 10
    read_whole = {str(node["Relation Name"]) for node in nodes(whole) if node["Node Type"] == "Seq Scan"}
    assert read_whole.isdisjoint(LARGE), "a table of a few rows may be read whole"
    assert {str(node["Node Type"]) for node in nodes(whole)}.isdisjoint({"Merge Join", "Materialize"})


@pytest.mark.parametrize("count", [300, 3000])
@pytest.mark.parametrize("exclude_own", [False, True])
def test_nor_is_everything_looked_through_on_the_first_day(
    project: Project, alice: User, count: int, exclude_own: bool
) -> None:
    """Nobody had a task yet, and PostgreSQL knows it. It read and sorted all that was open for each task: 32 ms with
    2,000 comparisons."""
    filling.fill_open(project, count=count, votes=1)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE labeling_comparison, labeling_assignment, labeling_candidate, sampler_completion")
        whole = _explained(cursor, claiming.statement(hidden=False, exclude_own=exclude_own), project, alice)
    scans = [node for node in nodes(whole) if node.get("Relation Name") == "labeling_comparison"]
    assert {str(node["Node Type"]) for node in scans} == {"Index Scan"}
    assert max(float(str(node["Actual Rows"])) for node in nodes(whole)) <= 10


def test_behind_any_number_of_flagged_ones_the_first_that_is_not_is_found_by_an_index_of_its_own(
    project: Project, alice: User
) -> None:
    filling.fill_open(project, count=3000, votes=3)
    flagged = Comparison.objects.filter(project=project).order_by("opened_at")[:2500].values("pk")
    Comparison.objects.filter(pk__in=flagged).update(harms=["violence"])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE labeling_comparison, labeling_assignment, labeling_candidate, sampler_completion")
        statement = claiming.statement(hidden=False, exclude_own=True, which=claiming.HARMLESS)
        whole = _explained(cursor, statement, project, alice)
    scans = [node for node in nodes(whole) if node.get("Relation Name") == "labeling_comparison"]
    assert {str(node.get("Index Name")) for node in scans} == {"comparison_harmless", "labeling_comparison_pkey"}
    assert max(float(str(node.get("Rows Removed by Filter", 0))) for node in scans) <= 10


def test_the_oldest_that_wants_a_vote_comes_first_with_texts_in_the_order_that_the_seed_gives(
    project: Project, alice: User, bob: User
) -> None:
    from labeling import randomness

    made = [makers.make_comparison(project, votes=2) for _ in range(3)]
    Comparison.objects.filter(pk=made[2].pk).update(opened_at=timezone.now() - timedelta(days=1))
    first, second = (leases.lease_next(project=project, trainer=trainer)[0] for trainer in (alice, bob))
    assert first is not None
    assert second is not None
    assert [lease.comparison_id for lease in (first, second)] == [made[2].pk] * 2
    assert [first.slot, second.slot] == [0, 1]
    stored = Assignment.objects.get(pk=first.pk)
    assert stored.order_shown == first.order_shown
    ids = [str(pk) for pk in made[2].candidates.order_by("index").values_list("completion_id", flat=True)]
    assert stored.order_shown == randomness.presentation_order(ids, stored.order_seed)
    assert list(first.comparison.texts) == ids
    assert stored.created_at == first.created_at
    assert stored.guideline_version == first.guideline_version
    assert first.comparison.created_at == made[2].created_at  # a column that was not asked for


def test_a_slot_that_another_took_meanwhile_is_tried_again(
    project: Project, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The statement as it is when it began before the other's commit: it finds the vote free, and loses it."""
    contested, other = makers.make_comparison(project), makers.make_comparison(project)
    makers.make_lease(contested, bob)
    blind = claiming.STATEMENT.replace("a.slot IS NOT NULL AND a.state IN", "false AND a.state IN", 1)
    assert blind != claiming.STATEMENT
    blind = blind.replace("AND a.slot = slot.slot", "AND false")
    whose = claiming.NORMAL
    text = blind.format(rankers=claiming.RANKERS, whose=whose, first=claiming.FIRST.format(whose=whose))
    seen = [Prepared("blind", text, claiming.TYPES)]
    honest = claiming.statement(hidden=False, exclude_own=True)
    monkeypatch.setattr(claiming, "statement", lambda **_: seen.pop() if seen else honest)
    lease = claiming.claim(project, alice, NORMAL)
    assert lease is not None
    assert lease.comparison_id == other.pk
    assert not seen
    assert Assignment.objects.filter(comparison=contested).count() == 1


def test_who_had_the_oldest_begins_behind_them_and_sees_one_that_is_free_again(
    project: Project, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [makers.make_comparison(project, votes=3) for _ in range(4)]
    for comparison in made[:2]:
        makers.make_ranking(comparison, alice)
    held = [makers.make_lease(made[2], trainer) for trainer in (bob, *_members(project, 2))]
    lease = claiming.claim(project, alice, NORMAL)
    assert lease is not None
    assert lease.comparison_id == made[3].pk  # all votes of the third are taken
    assert claiming.begins.of(project, alice) == made[2].opened_at  # which may yet be free again
    Assignment.objects.filter(pk=lease.pk).delete()
    assignments.skip(assignment=held[0], reason="It upsets me")
    lease = claiming.claim(project, alice, NORMAL)
    assert lease is not None
    assert lease.comparison_id == made[2].pk


def test_before_it_is_said_that_nothing_is_left_all_are_looked_at(project: Project, alice: User, bob: User) -> None:
    old, new = makers.make_comparison(project), makers.make_comparison(project)
    makers.make_lease(old, bob)
    Comparison.objects.filter(pk=old.pk).update(state="closed", closed_at=timezone.now())
    first = claiming.claim(project, alice, NORMAL)
    assert first is not None
    assert first.comparison_id == new.pk
    assert claiming.begins.of(project, alice) == new.opened_at
    Assignment.objects.filter(comparison=old).delete()
    Comparison.objects.filter(pk=old.pk).update(state="open", closed_at=None)  # opened again, older than the rest
    with pytest.raises(claiming.HasBegun):
        claiming.claim(project, alice, NORMAL)
    second = claiming.claim(project, alice, NORMAL, beside_begun=True)
    assert second is not None
    assert second.comparison_id == old.pk
    assert claiming.claim(project, alice, NORMAL, beside_begun=True) is None


def _members(project: Project, count: int) -> list[User]:
    return [makers.make_member(project, f"trainer-{number}") for number in range(count)]
