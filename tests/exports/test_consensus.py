"""One ranking out of several votes, by either method."""

from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from exports.selection import votes as consensus
from labeling.models import Project
from labeling.preferences import Groups
from tests import makers
from tests.exports.makers import export, rows

METHODS = pytest.mark.parametrize("method", sorted(consensus.METHODS))


@METHODS
def test_consensus_is_one_row_a_comparison(
    method: str, project: Project, alice: User, bob: User, tmp_path: Path
) -> None:
    carol = makers.make_member(project, "carol")
    comparison = makers.make_comparison(project, k=3, votes=3)
    for trainer, groups in ((alice, [[0], [1], [2]]), (bob, [[1], [0], [2]]), (carol, [[0, 1], [2]])):
        makers.make_ranking(comparison, trainer, groups=groups)
    every = export(project, tmp_path / "every", "--config", "rankings,preferences")
    one = export(project, tmp_path / "one", "--config", "rankings,preferences", "--consensus", method)
    assert (every["counts"]["rankings"], one["counts"]["rankings"]) == (3, 1)
    (row,) = rows(tmp_path / "one", "rankings")
    ids = [str(c) for c in comparison.candidates.order_by("index").values_list("completion_id", flat=True)]
    assert {c["completion_id"]: c["rank"] for c in row["completions"]} == {ids[0]: 0, ids[1]: 0, ids[2]: 1}
    assert (row["id"], row["annotator_id"], row["num_votes"]) == (str(comparison.pk), None, 3)
    assert len(rows(tmp_path / "one", "preferences")) == 2
    assert one["filters"]["consensus"] == method


GROUPS = st.permutations(list("abcdef")).flatmap(
    lambda ids: st.lists(st.booleans(), min_size=5, max_size=5).map(
        lambda cuts: [
            list(part) for part in "".join(c + ("|" if i < 5 and cuts[i] else "") for i, c in enumerate(ids)).split("|")
        ]
    )
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(GROUPS, st.sampled_from(sorted(consensus.METHODS)))
def test_the_consensus_of_one_vote_is_that_vote(groups: Groups, method: str) -> None:
    assert consensus.METHODS[method]([groups]) == [sorted(group) for group in groups]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(GROUPS, min_size=1, max_size=5))
def test_a_consensus_does_not_depend_on_the_order_of_the_votes(several: list[Groups]) -> None:
    assert consensus.borda(several) == consensus.borda(reversed(several))
    assert sorted(cid for group in consensus.borda(several) for cid in group) == list("abcdef")


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(GROUPS, min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_plackett_luce_depends_on_neither_the_order_of_the_votes_nor_the_names(
    several: list[Groups], random: Random
) -> None:
    found = consensus.plackett_luce(several)
    assert sorted(cid for group in found for cid in group) == list("abcdef")
    shuffled = random.sample(several, len(several))
    assert consensus.plackett_luce(shuffled) == found
    names = dict(zip("abcdef", "uvwxyz", strict=True))
    renamed = consensus.plackett_luce([[[names[c] for c in group] for group in groups] for groups in several])
    assert renamed == [[names[c] for c in group] for group in found]


def test_the_methods_part_where_a_last_place_counts_for_more_than_a_first() -> None:
    """Borda counts places: c never wins and is best on average. Plackett-Luce asks who is picked first."""
    votes = [[["a"], ["c"], ["b"], ["d"]]] * 2 + [[["b"], ["c"], ["a"], ["d"]]] * 2 + [[["a"], ["b"], ["c"], ["d"]]]
    assert consensus.borda(votes)[0] != consensus.borda(votes)[-1]
    assert consensus.plackett_luce(votes)[0] == ["a"]
    assert consensus.plackett_luce(votes)[-1] == ["d"]
