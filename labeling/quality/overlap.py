"""More votes where the first ones disagree; the share that gets several anyway is set in `labeling/candidates.py`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations

from common.stats.agreement import tau_b
from labeling import preferences
from labeling.models import Comparison, Ranking

# SQL: whether the vote `{ranking}` on the comparison `{comparison}` is one that adaptive overlap asked for. Those asked
# for at first came before; one that was undone by then did not count when the others were compared.
ASKED_FOR_MORE = """CASE WHEN {comparison}.extra_votes > 0 AND {ranking}.kind = 'vote' THEN
    (SELECT count(DISTINCT e.assignment_id) >= {comparison}.votes_wanted - {comparison}.extra_votes
     FROM labeling_ranking e, (SELECT min(o.submitted_at) AS at FROM labeling_ranking o
                               WHERE o.assignment_id = {ranking}.assignment_id) own
     WHERE e.comparison_id = {comparison}.id AND e.kind = 'vote' AND e.assignment_id <> {ranking}.assignment_id
       AND e.submitted_at < own.at AND (e.undone_at IS NULL OR e.undone_at > own.at)) ELSE false END"""

RATING_SPREAD = 2  # grades of one completion that lie further apart ask for more votes (HelpSteer2)


def disagree(rankings: Iterable[Ranking], tau_bound: float) -> bool:
    """Whether two of these rankings of one comparison lie too far apart: tau-b under the bound, or a
    completion's grades differ by more than RATING_SPREAD."""
    votes = [ranking for ranking in rankings if ranking.groups]
    for one, other in combinations(votes, 2):
        left, right = preferences.ranks(one.groups), preferences.ranks(other.groups)
        ids = sorted(left)
        tau = tau_b([left[cid] for cid in ids], [right[cid] for cid in ids])
        if tau is not None and tau < tau_bound:
            return True
        if any(
            abs(one.ratings[cid] - other.ratings[cid]) > RATING_SPREAD for cid in one.ratings if cid in other.ratings
        ):
            return True
    return False


def votes_in_force(comparison: Comparison) -> list[Ranking]:
    """Every vote that counts, as order and grades."""
    votes = Ranking.objects.in_force().filter(comparison=comparison, kind=Ranking.Kind.VOTE)
    return list(votes.order_by().only("comparison_id", "groups", "ratings"))


def may_ask_more(comparison: Comparison) -> bool:
    """Whether the last vote that was asked for may not be the last one."""
    return comparison.project.adaptive_overlap and not comparison.extra_votes


def ask_more_votes(comparison: Comparison, votes: Sequence[Ranking]) -> bool:
    """Once all `votes` are in and disagree, want more; once per comparison. The caller holds its lock."""
    project = comparison.project
    if not may_ask_more(comparison):
        return False
    if len(votes) < max(2, comparison.votes_wanted) or not disagree(votes, project.adaptive_tau_bound):
        return False
    if comparison.kind != Comparison.Kind.NORMAL:  # asked last: a hidden item must cost what any other does
        return False
    comparison.extra_votes = project.adaptive_extra_votes
    comparison.votes_wanted += comparison.extra_votes
    comparison.save(update_fields=["extra_votes", "votes_wanted"])
    return comparison.extra_votes > 0
