"""One ranking out of several votes, by each method, every vote by its label weight."""

from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from common.stats import consensus
from labeling.models import Project, Ranking
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
    assert consensus.METHODS[method]([groups], [1.0]) == [sorted(group) for group in groups]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(GROUPS, min_size=1, max_size=5))
def test_a_consensus_does_not_depend_on_the_order_of_the_votes(several: list[Groups]) -> None:
    for method in (consensus.borda, consensus.majority):
        assert method(several) == method(list(reversed(several)))
        assert sorted(cid for group in method(several) for cid in group) == list("abcdef")


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


def test_a_majority_is_more_than_half_and_a_circle_of_them_a_tie() -> None:
    two, tie, other = [["a"], ["b"]], [["a", "b"]], [["b"], ["a"]]
    for votes, wanted in (
        ([two, two, other], two),
        ([two, other], tie),
        ([two, tie], tie),  # half is not more than half
        ([two, two, tie, other], tie),
        ([two, two, two, tie, other], two),
        ([two, tie, tie], tie),
    ):
        assert consensus.majority(votes) == wanted
    circle = [[["a"], ["b"], ["c"], ["d"]], [["b"], ["c"], ["a"], ["d"]], [["c"], ["a"], ["b"], ["d"]]]
    assert consensus.majority(circle) == [["a", "b", "c"], ["d"]]


def test_a_majority_keeps_to_the_one_that_beats_every_other() -> None:
    """Borda does not: b is never last and gathers places, while three of five put a above it."""
    votes = [[["a"], ["b"], ["c"]]] * 3 + [[["b"], ["c"], ["a"]]] * 2
    assert consensus.majority(votes) == [["a"], ["b"], ["c"]]
    assert consensus.borda(votes)[0] == ["b"]


@METHODS
def test_a_vote_counts_by_its_weight(method: str) -> None:
    ahead, behind = [["a"], ["b"], ["c"]], [["c"], ["b"], ["a"]]
    order = consensus.METHODS[method]
    assert order([ahead, behind, behind], [1.0, 0.3, 0.3]) == ahead
    assert order([ahead, behind, behind], [1.0, 1.0, 1.0]) == behind
    assert order([ahead, behind], [0.5, 0.0]) == ahead
    assert order([ahead, behind, behind], [0.3, 0.1, 0.2]) == order([ahead, behind], [1.0, 1.0])  # as written
    assert order([ahead, behind, behind], [0.0, 0.0, 0.0]) == behind  # nobody is trusted: all alike
    assert order([ahead, behind, behind], [0.2, 0.2, 0.2]) == order([ahead, behind, behind], [1.0, 1.0, 1.0])


@METHODS
def test_the_label_weights_of_the_votes_are_honoured(
    method: str, project: Project, alice: User, bob: User, tmp_path: Path
) -> None:
    carol = makers.make_member(project, "carol")
    comparison = makers.make_comparison(project, k=3, votes=3)
    ids = [str(c) for c in comparison.candidates.order_by("index").values_list("completion_id", flat=True)]
    for trainer, groups, weight in (
        (alice, [[0], [1], [2]], 1.0),
        (bob, [[2], [1], [0]], 0.3),
        (carol, [[2], [1], [0]], 0.3),
    ):
        made = makers.make_ranking(comparison, trainer, groups=groups)
        Ranking.objects.filter(pk=made.pk).update(
            label_weight=weight, flags={ids[0]: ["opinion"]} if trainer == alice else {ids[1]: ["opinion"]}
        )
    export(project, tmp_path / "one", "--config", "rankings", "--consensus", method)
    (row,) = rows(tmp_path / "one", "rankings")
    ranks = {c["completion_id"]: c["rank"] for c in row["completions"]}
    assert [ranks[cid] for cid in ids] == [0, 1, 2]
    assert [c["completion_id"] for c in row["completions"] if c["flags"]] == [ids[0]]
    assert row["label_weight"] == pytest.approx(1.6 / 3)
    Ranking.objects.filter(trainer=alice).update(not_rankable="equally good", groups=[])
    export(project, tmp_path / "none", "--config", "rankings", "--consensus", method)
    (row,) = rows(tmp_path / "none", "rankings")
    assert (row["status"], row["reason"]) == ("not_rankable", "equally good")


def test_the_methods_part_where_a_last_place_counts_for_more_than_a_first() -> None:
    """Borda counts places: c never wins and is best on average. Plackett-Luce asks who is picked first."""
    votes = [[["a"], ["c"], ["b"], ["d"]]] * 2 + [[["b"], ["c"], ["a"], ["d"]]] * 2 + [[["a"], ["b"], ["c"], ["d"]]]
    assert consensus.borda(votes)[0] != consensus.borda(votes)[-1]
    assert consensus.plackett_luce(votes)[0] == ["a"]
    assert consensus.plackett_luce(votes)[-1] == ["d"]
