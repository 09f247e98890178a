from math import comb
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling import preferences

Case: TypeAlias = tuple[list[str], list[list[str]]]  # ids, and their order


@st.composite
def ordered_partitions(draw: st.DrawFn, max_size: int = 9) -> Case:
    ids = [f"c{i}" for i in range(draw(st.integers(2, max_size)))]
    places = {cid: draw(st.integers(1, len(ids))) for cid in ids}
    return ids, preferences.groups_from_places(places)


@given(ordered_partitions())
def test_strict_and_tied_pairs_are_all_the_pairs(case: Case) -> None:
    ids, groups = case
    strict, tied = preferences.strict_pairs(groups), preferences.tied_pairs(groups)
    assert len(strict) + len(tied) == comb(len(ids), 2)
    rank = preferences.ranks(groups)
    assert all(rank[chosen] < rank[rejected] for chosen, rejected in strict)
    assert all(rank[a] == rank[b] for a, b in tied)


@given(ordered_partitions())
def test_the_canonical_form_does_not_depend_on_the_order_inside_ties(case: Case) -> None:
    ids, groups = case
    assert preferences.canonical([list(reversed(g)) for g in groups], ids) == preferences.canonical(groups, ids)


@given(ordered_partitions())
def test_ranks_are_dense_and_start_at_0(case: Case) -> None:
    _, groups = case
    assert sorted(set(preferences.ranks(groups).values())) == list(range(len(groups)))


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([["a"], ["b"]], "1 of 3"),
        ([["a", "b"], ["c", "a"]], "two places"),
        ([["a", "b", "c", "x"]], "not a completion"),
        ([["a", "b", "c"], []], "at least one"),
        (["abc"], "list"),
    ],
)
def test_what_is_not_an_ordered_partition_is_refused(groups: list[list[str]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        preferences.canonical(groups, ["a", "b", "c"])


def test_a_completion_rated_higher_than_one_above_it_is_a_contradiction() -> None:
    assert preferences.contradictions([["a"], ["b"]], {"a": 3, "b": 6}) == [("a", "b")]
    assert preferences.contradictions([["a", "b"]], {"a": 3, "b": 6}) == []
    assert preferences.contradictions([["a"], ["b"]], {"a": 6, "b": 6}) == []
    assert preferences.contradictions([["a"], ["b"]], {"b": 6}) == []
