"""Queries that are compiled once: the rows are those of the query itself, with whatever values."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.db.models import Count, Prefetch, QuerySet
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from accounts.models import User
from common.compiled import compiled, planned_each_time
from common.database.base import reads
from labeling.models import Membership, Project
from tests.makers import make_member, make_project

pytestmark = pytest.mark.django_db
built: list[str] = []


@compiled
def of_person(user: User) -> QuerySet[Membership]:
    built.append("of_person")
    rows = Membership.objects.filter(user=user, project__flags=[]).exclude(role=Membership.Role.GUEST)
    return rows.select_related("project").annotate(n=Count("project__rounds")).order_by("pk")


@compiled
def titles(slug: str, user: User, since: datetime) -> QuerySet[Project, tuple[UUID, str]]:
    rows = Project.objects.filter(slug=slug, memberships__user=user, created_at__gte=since)
    return rows.values_list("pk", "title")


@planned_each_time
def made_since(since: datetime, share: str) -> QuerySet[Project, str]:
    return (
        Project.objects.filter(created_at__gte=since, title__contains="%")
        .exclude(slug=share)
        .values_list("slug", flat=True)
    )


@compiled
def with_members(pk: UUID) -> QuerySet[Project]:
    return Project.objects.filter(pk=pk).prefetch_related(Prefetch("memberships", Membership.objects.order_by("pk")))


def member(name: str = "one") -> tuple[Project, User]:
    project = make_project(name, flags=[])
    return project, make_member(project, name)


def test_rows_are_of_the_values_given_and_the_query_is_built_once() -> None:
    first, one = member()
    second, two = member("two")
    built.clear()
    for _ in range(2):
        assert [row.project for row in of_person(one)] == [first]
        assert [row.project for row in of_person(two)] == [second]
    assert len(built) <= 2  # once with each set of stand-ins, or not at all where another test was first


def test_related_rows_come_with_it_in_one_query() -> None:
    project, one = member()
    of_person(one)
    with CaptureQueriesContext(connection) as queries:
        (row,) = of_person(one)
        assert row.project.title == project.title
    assert len(queries) == 1


def test_a_user_may_be_the_lazy_one_of_a_request() -> None:
    project, one = member()
    lazy = SimpleLazyObject(lambda: one)
    assert [row.project for row in of_person(lazy)] == [project]  # type: ignore[arg-type]


def test_texts_ids_and_instants_are_values_too() -> None:
    project, one = member()
    now = timezone.now()
    assert titles(project.slug, one, now - timedelta(hours=1)) == [(project.pk, project.title)]
    assert titles(project.slug, one, now + timedelta(hours=1)) == []
    assert titles("another", one, now - timedelta(hours=1)) == []
    (found,) = with_members(project.pk)
    with CaptureQueriesContext(connection) as queries:
        assert one.pk in [row.user_id for row in found.memberships.all()]
    assert len(queries) == 0


def test_each_connection_prepares_it_once_and_what_hangs_on_its_values_is_planned_each_time() -> None:
    project, one = member()
    Project.objects.filter(pk=project.pk).update(title="100 % of it")
    since = timezone.now() - timedelta(hours=1)
    of_person(one)
    for ask, expected in (
        (lambda: of_person(one), "EXECUTE read_tests_common_test_compiled_of_person_"),
        (lambda: made_since(since, "other"), "SELECT"),
    ):
        with CaptureQueriesContext(connection) as queries:
            assert len(ask()) == 1
        assert [query["sql"].startswith(expected) for query in queries] == [True]
        assert reads(queries[0]["sql"])
    assert made_since(since, "other") == [project.slug]
    assert made_since(since, project.slug) == []


def test_what_computes_with_a_value_or_hangs_on_one_is_refused() -> None:
    @compiled
    def computes(moment: datetime) -> QuerySet[Project]:
        return Project.objects.filter(created_at__gte=moment - timedelta(days=1))

    @compiled
    def looks(slug: str) -> QuerySet[Project]:
        return Project.objects.filter(slug=slug) if "1987001" in slug else Project.objects.filter(title=slug)

    @compiled
    def clock(pk: UUID) -> QuerySet[Project]:
        return Project.objects.filter(pk=pk, created_at__lt=timezone.now())

    project, _ = member()
    asks: list[Callable[[], object]] = [
        lambda: computes(timezone.now()),
        lambda: looks("some"),
        lambda: clock(project.pk),
    ]
    for ask in asks:
        with pytest.raises(TypeError, match="compiled query"):
            ask()


@pytest.mark.parametrize("value", [True, None, 1.5, [1]])
def test_kinds_that_change_the_sql_are_refused(value: object) -> None:
    @compiled
    def titled(title: object) -> QuerySet[Project]:
        return Project.objects.filter(title=title)

    with pytest.raises(TypeError, match="takes no"):
        titled(value)
