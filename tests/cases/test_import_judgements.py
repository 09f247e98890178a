"""No imported judgement is a duplicate, and the same file twice is nothing new."""

from __future__ import annotations

from collections import Counter

from common.shapes import JsonLike
from labeling.models import Comparison, Dialogue, Project, Ranking, TurnFeedback
from tests.labeling.importing import run


def judged(first_wins: bool, **more: JsonLike) -> dict[str, JsonLike]:
    order = [0, 1] if first_wins else [1, 0]
    return {"prompt": "Pick.", "completions": ["first", "second"], "ranking": order, **more}


def wins() -> Counter[str]:
    """How often each text stands first."""
    return Counter(
        r.comparison.candidates.get(completion_id=r.groups[0][0]).completion.text for r in Ranking.objects.all()
    )


def test_three_judges_of_one_comparison_are_three_rankings(project: Project) -> None:
    given = [judged(True), judged(True), judged(False)]
    report = run(project, "rankings", given, source="s")
    assert (report.rows, report.imported, report.rejected) == (3, 3, 0)
    assert report.made == {"comparisons": 1, "rankings": 2}
    assert (Comparison.objects.count(), wins()) == (1, {"first": 2, "second": 1})
    again = run(project, "rankings", given, source="s")
    assert (again.imported, again.already_there, Ranking.objects.count()) == (0, 3, 3)


def test_a_longer_and_reordered_file_brings_only_what_is_new(project: Project) -> None:
    run(project, "rankings", [judged(True), judged(False)], source="s")
    longer = [judged(False), judged(True), judged(True), judged(False), judged(True)]
    report = run(project, "rankings", longer, source="s")
    assert (report.imported, report.already_there) == (3, 2)
    assert (Comparison.objects.count(), wins()) == (1, {"first": 3, "second": 2})
    other = run(project, "rankings", [judged(True)], source="another")
    assert (other.imported, Comparison.objects.count()) == (1, 2)


def test_ids_tell_judgements_apart(project: Project) -> None:
    given: list[JsonLike] = [judged(True, id="a", judge="eve"), judged(True, id="b", judge="mallory")]
    assert run(project, "rankings", given, source="s").imported == 2
    report = run(project, "rankings", [*reversed(given), judged(True, id="c")], source="s")
    assert (report.imported, report.already_there, wins()) == (1, 2, {"first": 3})
    kept = [ranking.source_row for ranking in Ranking.objects.exclude(source_row=None)]
    assert len(kept) == 2


def test_pairs_in_either_order_are_of_one_comparison(project: Project) -> None:
    pair = {"prompt": "2+2?", "chosen": "4", "rejected": "5"}
    turned = {"prompt": "2+2?", "chosen": "5", "rejected": "4"}
    report = run(project, "trl_preference", [pair, turned, pair, turned], source="s")
    assert (report.imported, Comparison.objects.count()) == (4, 1)
    assert wins() == {"4": 2, "5": 2}


def test_every_thumb_counts(project: Project) -> None:
    thumb: dict[str, JsonLike] = {"prompt": "2+2?", "completion": "4", "label": True}
    report = run(project, "kto", [thumb, thumb, thumb | {"label": False}], source="s")
    assert (report.imported, report.rejected) == (3, 0)
    assert Counter(TurnFeedback.objects.values_list("thumb_up", flat=True)) == {True: 2, False: 1}
    assert run(project, "kto", [thumb, thumb], source="s").already_there == 2


def test_repeats_of_dialogues_are_reported_with_their_lines(project: Project) -> None:
    why: JsonLike = {"prompt": "Why?", "completion": "So."}
    given: list[JsonLike] = [why, why, {"prompt": "How?", "completion": "So."}]
    report = run(project, "instructgpt", given, source="s")
    assert (report.imported, report.rejected, Dialogue.objects.count()) == (2, 1, 2)
    assert report.errors == [{"line": 2, "reason": "The record says the same as line 1."}]
