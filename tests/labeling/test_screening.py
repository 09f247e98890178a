"""Which finished work a rule picks for review."""

from __future__ import annotations

import pytest

from accounts.models import User
from labeling import dialogues, turns
from labeling.models import Project
from labeling.suggestions import request_suggestions
from tests import makers
from tests.labeling.review_queue import only, rank, reasons_of

pytestmark = pytest.mark.django_db


def test_each_rule_picks_its_work_and_no_other(project: Project, alice: User, bob: User) -> None:
    only(project)
    assert reasons_of(rank(project, alice, seconds=1)) == []
    only(project, fast_seconds=15)
    assert reasons_of(rank(project, alice, seconds=14)) == ["fast"]
    assert reasons_of(rank(project, alice, seconds=15)) == []
    only(project, new_trainer=1)
    assert reasons_of(rank(project, bob)) == ["new_trainer"]
    assert reasons_of(rank(project, bob)) == []
    only(project, random_share=1.0)
    assert reasons_of(rank(project, alice)) == ["random"]


def test_a_contradiction_is_picked(project: Project, alice: User) -> None:
    only(project, contradictions=True)
    comparison = makers.make_comparison(project)
    ids = [str(c.completion_id) for c in comparison.candidates.order_by("index")]
    found = makers.make_ranking(comparison, alice, ratings={ids[0]: 2, ids[1]: 6}, confirmed=True)
    assert reasons_of(found) == ["contradiction"]


def test_two_votes_that_disagree_are_both_picked(project: Project, alice: User, bob: User) -> None:
    only(project, low_agreement=True)
    comparison = makers.make_comparison(project, votes=2)
    first = makers.make_ranking(comparison, alice)
    assert reasons_of(first) == []
    second = makers.make_ranking(comparison, bob, groups=[[3], [2], [1], [0]])
    assert reasons_of(first) == reasons_of(second) == ["low_agreement"]


def test_a_demonstration_of_verbatim_suggestions_is_picked(project: Project, alice: User) -> None:
    only(project, verbatim_share=0.9)
    own = makers.make_demonstration(project, alice)
    assert reasons_of(own) == []
    dialogue = dialogues.start_dialogue(project=project, author=alice, kind="demonstration")
    turns.add_turn(dialogue=dialogue, role="user", text="What is rain?")
    [request] = request_suggestions(dialogue=dialogue, role="assistant", n=1)
    [completion] = makers.answer(request, "Water that falls from clouds.")
    turns.add_turn(
        dialogue=dialogue,
        role="assistant",
        text=completion.text,
        completion=completion,
        suggestions_shown=[str(completion.pk)],
    )
    dialogues.submit_dialogue(dialogue=dialogue)
    assert reasons_of(dialogue) == ["verbatim"]
