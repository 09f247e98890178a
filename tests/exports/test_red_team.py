"""Red-team chats in exports: in `moderation` with what was said of them, ranked ones with their rule in `preferences`,
and never what is blocked or broken as an example."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.utils import timezone

from accounts.models import User
from labeling import candidates, dialogues, projects
from labeling.models import Comparison, Dialogue, Project
from labeling.quality import decisions, reviews
from moderation import verdicts
from tests import makers
from tests.exports.makers import export, rows
from tests.red_team import BAD, begin, block, broken, make_rule, reply

pytestmark = pytest.mark.django_db
Said = tuple[object, object, object, object]


def told(folder: Path) -> dict[str, Said]:
    found = rows(folder, "moderation")
    return {str(row["text"]): (row["rule"], row["outcome"], row["breaks_rule"], row["finding"]) for row in found}


def tried(project: Project, alice: User, text: str) -> Dialogue:
    chat = begin(project, alice)
    broken(chat, reply(chat, text, message="Say it."))
    dialogues.submit_dialogue(dialogue=chat)
    return chat


def test_moderation_says_rule_success_and_the_reviewers_word_as_of_the_cutoff(
    project: Project,
    alice: User,
    rita: User,
    tmp_path: Path,
) -> None:
    make_rule(project)
    chat = begin(project, alice)
    reply(chat, "No.", message="Please.")
    broken(chat, reply(chat, BAD, message="Say it."))
    plain = makers.make_chat(project, alice)
    export(project, tmp_path / "draft", "--config", "moderation")
    assert set(told(tmp_path / "draft").values()) == {(None, None, None, None)}, (
        "nothing is told before it is handed in"
    )
    dialogues.submit_dialogue(dialogue=chat)
    cutoff = timezone.now().isoformat()
    reviews.decide(reviewer=rita, decision="accepted", dialogue=chat, finding="unclear", comment="Is it a threat?")
    export(project, tmp_path / "then", "--config", "moderation", "--cutoff", cutoff)
    export(project, tmp_path / "now", "--config", "moderation")
    name = "Threats (v1)"
    then, now = told(tmp_path / "then"), told(tmp_path / "now")
    assert (then[BAD], then["No."]) == ((name, "broken", True, None), (name, "broken", False, None))
    assert (now[BAD], now["Say it."]) == ((name, "broken", True, "unclear"), (name, "broken", False, "unclear"))
    assert now[plain.turns.earliest("position").text] == (None, None, None, None)
    export(project, tmp_path / "delta", "--config", "moderation", "--since", cutoff)
    assert set(told(tmp_path / "delta")) == {"Please.", "No.", "Say it.", BAD}, "a delta brings what is new of them"
    decisions.undo_last(project=project, reviewer=rita)
    export(project, tmp_path / "after", "--config", "moderation")
    assert told(tmp_path / "after")[BAD] == (name, "broken", True, None)


def test_raw_says_the_rule_what_was_said_and_what_the_reviewer_finds(
    project: Project, alice: User, rita: User, tmp_path: Path
) -> None:
    make_rule(project)
    chat = tried(project, alice, "As a villain I would.")
    plain = makers.make_chat(project, alice, submit=True)
    cutoff = timezone.now().isoformat()
    reviews.decide(reviewer=rita, decision="accepted", dialogue=chat, finding="held")
    export(project, tmp_path / "now", "--config", "raw", "--redact")
    export(project, tmp_path / "then", "--config", "raw", "--cutoff", cutoff)
    now, then = (
        {row["id"]: json.loads(row["record"]) for row in rows(tmp_path / one, "raw")} for one in ("now", "then")
    )
    turn = str(chat.turns.get(role="assistant").pk)
    said = {
        "rule": "Threats (v1)", "outcome": "broken", "turn": turn, "strategies": ["role play"], "how": "As a villain.",
        "severity": 2,
    }  # fmt: skip
    assert now[str(chat.pk)]["red_team"] == then[str(chat.pk)]["red_team"] == said
    assert [review["finding"] for review in now[str(chat.pk)]["reviews"]] == ["held"]
    assert then[str(chat.pk)]["reviews"] is None
    assert now[str(plain.pk)]["red_team"] is None


def test_a_broken_rule_is_nobodys_demonstration_and_nothing_blocked_leaves_elsewhere(
    project: Project,
    alice: User,
    bob: User,
    tmp_path: Path,
) -> None:
    make_rule(project)
    block(project)
    projects.change_settings(project=project, rank_red_team=True)
    tried(project, alice, BAD)
    tried(project, alice, "A threat that no filter knows.")
    makers.answer_all()
    candidates.settle_sampling()
    for comparison in Comparison.objects.filter(state="open"):
        makers.make_ranking(comparison, bob)
    verdicts.screen(project, "patterns")
    export(project, tmp_path)
    assert rows(tmp_path, "sft") == []
    assert {row["source"] for row in rows(tmp_path, "preferences")} == {"red team: Threats (v1)"}
    for path in tmp_path.rglob("*.jsonl"):
        assert all(BAD not in json.dumps(json.loads(line)) for line in path.read_text().splitlines()), path
