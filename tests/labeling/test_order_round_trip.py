"""Any ordered partition of up to nine completions, given by page or by API, comes out of the database and the
export as it was given."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from accounts import tokens
from accounts.models import User
from labeling import leases
from labeling.models import Assignment, Project, Ranking
from labeling.pages.ranking_form import RankingForm
from tests import makers
from tests.exports.makers import export, rows

Groups = list[list[str]]


@st.composite
def places(draw: st.DrawFn) -> list[int]:
    """A place for each of two to nine completions; equal numbers are ties, gaps mean nothing."""
    k = draw(st.integers(2, 9))
    return draw(st.lists(st.integers(1, k), min_size=k, max_size=k))


def as_groups(ids: list[str], numbers: list[int]) -> Groups:
    return [[cid for cid, n in zip(ids, numbers, strict=True) if n == place] for place in sorted(set(numbers))]


def sets(groups: Groups) -> list[set[str]]:
    return [set(group) for group in groups]


def by_page(client: Client, task: Assignment, numbers: list[int]) -> None:
    """As a draft first, then submitted."""
    fields = {f"place-{cid}": number for cid, number in zip(task.order_shown, numbers, strict=True)}
    client.post(f"/ranking/{task.pk}/draft/", fields)
    kept = RankingForm.from_draft(Assignment.objects.get(pk=task.pk).draft)
    assert sets(kept.groups()) == sets(as_groups(task.order_shown, numbers))
    assert client.post(f"/ranking/{task.pk}/", fields).status_code == 302


def by_api(client: APIClient, task: Assignment, numbers: list[int]) -> None:
    body = {"groups": as_groups(task.order_shown, numbers)}
    assert client.patch(f"/api/v1/assignments/{task.pk}/draft/", {"draft": body}, format="json").status_code == 200
    kept = client.get(f"/api/v1/assignments/{task.pk}/draft/").data["draft"]["groups"]
    assert sets(kept) == sets(body["groups"])
    answer = client.put(f"/api/v1/assignments/{task.pk}/ranking/", body, format="json")
    assert answer.status_code == 201
    assert sets(answer.data["groups"]) == sets(body["groups"])


@pytest.mark.django_db
@hypothesis_settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(orders=st.lists(places(), min_size=1, max_size=5))
def test_any_order_comes_out_as_it_went_in(
    orders: list[list[int]], project: Project, alice: User, bob: User, tmp_path_factory: pytest.TempPathFactory
) -> None:
    page, api = Client(), APIClient()
    page.force_login(alice)
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens.create(user=bob)}")
    given: dict[str, Groups] = {}
    for numbers in orders:
        comparison = makers.make_comparison(project, k=len(numbers), votes=2)
        tasks = [leases.lease(comparison=comparison, trainer=trainer) for trainer in (alice, bob)]
        by_page(page, tasks[0], numbers)
        by_api(api, tasks[1], numbers)
        for task in tasks:
            given[str(Ranking.objects.get(assignment=task).pk)] = as_groups(task.order_shown, numbers)
        Assignment.objects.filter(trainer=alice, state="leased").delete()  # the page leased the next one
    for pk, groups in given.items():
        assert sets(Ranking.objects.get(pk=pk).groups) == sets(groups)
    check_export(export_of(project, tmp_path_factory), given)


def export_of(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("round-trip") / "out"
    export(project, folder, "--config", "rankings,preferences")
    return folder


def check_export(folder: Path, given: dict[str, Groups]) -> None:
    ranks = {
        row["id"]: {one["completion_id"]: one["rank"] for one in row["completions"]}
        for row in rows(folder, "rankings")
        if row["id"] in given
    }
    wanted = {pk: {cid: n for n, group in enumerate(groups) for cid in group} for pk, groups in given.items()}
    assert ranks == wanted
    pairs: dict[str, set[tuple[str, str]]] = {}
    for row in rows(folder, "preferences"):
        pairs.setdefault(row["ranking_id"], set()).add((row["chosen_completion_id"], row["rejected_completion_id"]))
    for pk, groups in given.items():
        strict = {(a, b) for better, worse in combinations(groups, 2) for a in better for b in worse}
        assert pairs.get(pk, set()) == strict
