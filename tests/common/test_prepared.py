"""Statements prepared once for each connection: in one round trip, and again where one failed."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from common import prepared
from common.prepared import Prepared

pytestmark = pytest.mark.django_db
double = Prepared("test_double", "SELECT 2 * %(number)s, 'a %% of it'", {"number": "bigint"})
divide = Prepared("test_divide", "SELECT 10 / %(number)s", {"number": "bigint"})
one = Prepared("test_one", "SELECT 1", {})
wrong = Prepared("test_wrong", "SELECT nothing_called_so", {})


@pytest.fixture(autouse=True)
def unprepared() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
    prepared.begin(connection)


def test_the_first_time_takes_one_round_trip_as_each_later_one() -> None:
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            assert prepared.run([double], {"number": 4}) == [(8, "a % of it")]
        assert len(queries) == 1
    assert "PREPARE" not in queries[0]["sql"]


def test_several_go_together_and_the_rows_are_those_of_the_last() -> None:
    assert prepared.run([double, one, divide], {"number": 5}) == [(2,)]


@pytest.mark.parametrize("failing", [wrong, divide], ids=["in preparing", "in executing"])
def test_after_a_failure_it_is_asked_what_is_prepared(failing: Prepared) -> None:
    for _ in range(2):
        with pytest.raises(DatabaseError), transaction.atomic():
            prepared.run([double, failing], {"number": 0})
    assert prepared.run([double], {"number": 1}) == [(2, "a % of it")]
    assert prepared.run([divide], {"number": 2}) == [(5,)]


def test_a_connection_that_is_new_knows_none() -> None:
    prepared.run([one], {})
    prepared.begin(connection)  # as after it connected again
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
    assert prepared.run([one], {}) == [(1,)]
