"""The lock that keeps long tasks to one at a time, seen from two connections."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from common.advisory_lock import try_advisory_lock

pytestmark = pytest.mark.django_db(transaction=True)


def elsewhere(name: str) -> bool:
    """Whether another connection gets the lock."""
    got: list[bool] = []

    def act() -> None:
        try:
            with try_advisory_lock(name) as mine:
                got.append(mine)
        finally:
            connection.close()

    thread = threading.Thread(target=act)
    thread.start()
    thread.join(60)
    return got[0]


def test_only_one_is_alone_and_others_are_told() -> None:
    with try_advisory_lock("a long task") as mine:
        assert mine
        assert not elsewhere("a long task")
        assert elsewhere("another long task")
    assert elsewhere("a long task")


def test_the_lock_is_let_go_when_the_task_breaks_or_loses_its_connection() -> None:
    with pytest.raises(ZeroDivisionError), try_advisory_lock("a long task"):
        raise ZeroDivisionError
    assert elsewhere("a long task")
    with try_advisory_lock("a long task"):
        connection.close()
    assert elsewhere("a long task")
