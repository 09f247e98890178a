"""Planted biases are measured and told in a sentence."""

from __future__ import annotations

import pytest

from accounts.models import User
from common.stats.intervals import difference_of_shares
from insights import explanations, table_output, tables
from labeling.models import Project, Ranking
from tests import makers
from tests.insights.makers import make_votes, report_of, whole

pytestmark = pytest.mark.django_db


def test_planted_haste_is_told_with_its_interval_and_what_to_do(project: Project, alice: User) -> None:
    models = [makers.make_model("a"), makers.make_model("b")]
    hurried = lambda rng, model, length, place: length + rng.gumbel()  # noqa: E731 - always the longer text
    make_votes(project, [alice], models, comparisons=40, score=hurried, seed=1)
    Ranking.objects.update(seconds=4)
    make_votes(project, [alice], models, comparisons=120, seed=2)  # these take 30 seconds and read
    found = report_of(project)
    speed = found["bias"]["speed"]
    assert (speed["fast"] or 0) < (speed["median"] or 0) == 30
    assert speed["longer_wins"] is not None
    assert whole(speed["longer_wins"]["quick"]).value > 0.95
    gap = whole(speed["longer_wins"]["difference"])
    assert 0.3 < gap.low < gap.value < gap.high < 0.7
    assert speed["earlier_wins"] is not None
    elsewhere = whole(speed["earlier_wins"]["difference"])
    assert elsewhere.low < 0 < elsewhere.high
    told = explanations.on_speed(found)
    assert "points (95% interval" in told
    assert "Who hurries goes by the longer text: review" in told


def test_planted_position_bias_is_told_in_a_sentence(project: Project, alice: User) -> None:
    models = [makers.make_model("a"), makers.make_model("b")]
    make_votes(
        project, [alice], models, comparisons=200, score=lambda rng, model, length, place: rng.gumbel() - 0.6 * place
    )
    found = report_of(project)
    assert (found["bias"]["position"]["p_value"] or 1.0) < 0.01
    assert "sways" in explanations.on_position(found)
    assert whole(found["bias"]["effects"]["shown earlier"]).low > 0
    assert whole(found["bias"]["earlier_wins"]).low > 0.5


def test_edits_of_suggestions_are_measured_by_week(project: Project, alice: User) -> None:
    from labeling import dialogues, turns
    from labeling.suggestions import request_suggestions

    dialogue = dialogues.start_dialogue(project=project, author=alice, kind="demonstration")
    turns.add_turn(dialogue=dialogue, role="user", text="What is rain?")
    [request] = request_suggestions(dialogue=dialogue, role="assistant", n=1)
    [completion] = makers.answer(request, "abcd")
    turns.add_turn(
        dialogue=dialogue, role="assistant", text="abcx", completion=completion, suggestions_shown=[str(completion.pk)]
    )
    dialogues.submit_dialogue(dialogue=dialogue)
    [week] = report_of(project)["suggestions"]["by_week"]
    assert (week["verbatim"], week["edited"], week["own"], week["edit_ratio"]["value"]) == (0, 1, 1, 0.25)


def test_nothing_is_concluded_from_a_handful_of_rankings(project: Project, alice: User) -> None:
    models = [makers.make_model("a"), makers.make_model("b")]
    make_votes(project, [alice], models, comparisons=3, score=lambda rng, model, length, place: length)
    found = report_of(project)
    assert explanations.on_length(found).endswith("From under 30 rankings nothing follows yet.")
    assert "log-odds" not in explanations.on_style(found)
    assert "do not follow" not in explanations.on_position(found)
    assert "haste" not in explanations.on_speed(found)
    assert explanations.on_trainers(found) == "One trainer made all of the rankings."
    shown = table_output.shown(tables.agreement(found), "agreement")
    assert not any(row[0][0].startswith("trainers:") for row in shown.body)
    assert "trainers: pairs that both order" in table_output.to_csv(tables.agreement(found))


def test_a_difference_of_two_shares_is_at_most_a_whole() -> None:
    found = difference_of_shares(([3, 3, 1], [3, 3, 3]), ([0, 0, 0], [3, 3, 3]), [1, 2, 3])
    assert found.value == pytest.approx(7 / 9)
    assert found.high == 1
