"""The configuration `moderation`: written only where it is named; what filters and people said, as it stood at the
cutoff."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from accounts.models import User
from exports.selection.privacy import namer
from labeling import chats, dialogues, turns
from labeling.models import Dialogue, Project, Turn
from labeling.withdrawal import withdraw
from moderation import marks, verdicts
from moderation.models import Verdict
from screening import rules
from screening import verdicts as screened
from tests import makers
from tests.exports.makers import everything, export, given, rows

pytestmark = pytest.mark.django_db
BAD = "I will kill you tomorrow."
Row = dict[str, object]


def chat(project: Project, author: User, message: str, reply: str) -> Dialogue:
    begun = dialogues.start_dialogue(project=project, author=author, kind="chat")
    makers.answer(chats.send_message(dialogue=begun, text=message), reply)
    given(chats.store_reply(dialogue=begun))
    return begun


def on(turn: Turn) -> Verdict:
    return marks.verdict_on(turn)


def judge(project: Project, *, block_at: float | None, warn_at: float | None = 0.3) -> None:
    rules.set_threshold(project=project.pk, filter="patterns", category="violence", warn_at=warn_at, block_at=block_at)
    for _ in screened.rejudge(project=project.pk, name="patterns", limits=rules.thresholds(project.pk, "patterns")):
        pass


def written(project: Project, folder: Path, *options: str) -> dict[str, Row]:
    export(project, folder, "--config", "moderation", *options)
    return {str(row["id"]): dict(row) for row in rows(folder, "moderation")}


def taken_back(folder: Path) -> set[str]:
    path = folder / "tombstones.jsonl"
    return {json.loads(line)["id"] for line in path.read_text().splitlines()} if path.exists() else set()


def test_it_is_written_only_where_it_is_named(project: Project, alice: User, tmp_path: Path) -> None:
    chat(project, alice, "What will you do?", "I will rest.")
    export(project, tmp_path / "usual")
    assert not (tmp_path / "usual/moderation").exists()
    assert "moderation" not in (tmp_path / "usual/README.md").read_text().split("---")[1]
    assert written(project, tmp_path / "named")
    assert "name: moderation" in (tmp_path / "named/README.md").read_text()


def test_it_holds_texts_scores_actions_and_marks_of_people_under_their_pseudonyms(
    project: Project, alice: User, bob: User, tmp_path: Path
) -> None:
    talk = chat(project, alice, "What will you do?", BAD)
    verdict = on(talk.turns.get(role="assistant"))
    marks.mark(verdict=verdict, user=alice, harmful=False, comment="It is a game.")
    marks.mark(verdict=verdict, user=bob, harmful=True, category="hate")
    row = written(project, tmp_path / "x")[str(verdict.pk)]
    assert (row["text"], row["action"], row["category"], row["type"]) == (BAD, "warn", "violence", "turn")
    assert row["scores"] == [{"category": name, "score": score} for name, score in sorted(verdict.scores.items())]
    name = namer(project.pseudonym_key)
    said = [{key: value for key, value in one.items() if key != "created_at"} for one in _list(row["marks"])]
    assert said == [
        {"harmful": False, "category": "", "comment": "It is a game.", "annotator_id": name(alice.pk)},
        {"harmful": True, "category": "hate", "comment": "", "annotator_id": name(bob.pk)},
    ]
    assert row["harmful"] is None
    marks.mark(verdict=verdict, user=alice, harmful=True)
    assert written(project, tmp_path / "y")[str(verdict.pk)]["harmful"] is True


def _list(value: object) -> list[Row]:
    assert isinstance(value, list)
    return value


def test_a_blocked_text_and_a_message_that_was_not_sent_are_in_it(
    project: Project, alice: User, tmp_path: Path
) -> None:
    judge(project, block_at=0.8)
    talk = chat(project, alice, "What will you do?", "I will rest.")
    with pytest.raises(Exception, match="was not sent"):
        chats.send_message(dialogue=talk, text=f"{BAD} Well?")
    makers.make_demonstration(project, alice, question="How high is it?")
    Turn.objects.filter(text="How high is it?").update(text=f"{BAD} How?")
    Verdict.objects.filter(target="turn").delete()
    while verdicts.screen(project, "patterns"):
        pass
    found = written(project, tmp_path / "x")
    blocked = {row["text"]: row["type"] for row in found.values() if row["action"] == "block"}
    assert blocked == {f"{BAD} Well?": "message", f"{BAD} How?": "turn"}


def test_the_same_cutoff_says_the_same_whatever_was_said_since_and_a_delta_goes_on_from_it(
    project: Project, alice: User, bob: User, tmp_path: Path
) -> None:
    talk = chat(project, alice, "What will you do?", BAD)
    other = chat(project, bob, "And you?", "Nothing.")
    verdict = on(talk.turns.get(role="assistant"))
    marks.mark(verdict=verdict, user=alice, harmful=False, comment="first")
    on(other.turns.get(role="assistant"))
    cutoff = export(project, tmp_path / "old", "--config", "moderation")["cutoff"]
    marks.mark(verdict=verdict, user=alice, harmful=True, comment="second")
    marks.mark(verdict=on(other.turns.get(role="assistant")), user=bob, harmful=True)
    judge(project, block_at=0.8)
    chat(project, bob, "And now?", "Still nothing.")
    newer = on(other.turns.get(role="user"))
    newer.pk, newer.filter_version = None, "9"
    newer._state.adding = True
    newer.save()
    until = export(project, tmp_path / "full", "--config", "moderation")["cutoff"]
    again = tmp_path / "again"
    export(project, again, "--config", "moderation", "--cutoff", cutoff)
    for path in (tmp_path / "old/moderation").iterdir():
        assert (again / "moderation" / path.name).read_bytes() == path.read_bytes()
    delta = written(project, tmp_path / "delta", "--since", cutoff, "--cutoff", until)
    gone = taken_back(tmp_path / "delta")
    old = {str(row["id"]): dict(row) for row in rows(tmp_path / "old", "moderation")}
    full = {str(row["id"]): dict(row) for row in rows(tmp_path / "full", "moderation")}
    assert {key: row for key, row in old.items() if key not in gone} | delta == full
    assert len(gone) == 3  # judged anew and marked anew; marked; judged by a newer version of the filter
    assert full[str(verdict.pk)]["action"] == "block"
    assert len(delta) < len(full)


def test_a_withdrawal_takes_texts_and_words_out_of_it(project: Project, alice: User, bob: User, tmp_path: Path) -> None:
    talk = chat(project, alice, "What of quokkas?", f"{BAD} Quokkas.")
    kept = chat(project, bob, "What else?", "Nothing at all.")
    marks.mark(verdict=on(kept.turns.get(role="assistant")), user=alice, harmful=True, comment="quokka")
    marks.mark(verdict=on(kept.turns.get(role="assistant")), user=bob, harmful=False, comment="fine")
    marks.mark(verdict=on(talk.turns.get(role="assistant")), user=bob, harmful=False, comment="quokkas are kind")
    cutoff = export(project, tmp_path / "old", "--config", "moderation")["cutoff"]
    withdraw(project=project, user=alice)
    full = written(project, tmp_path / "full")
    delta = written(project, tmp_path / "delta", "--since", cutoff)
    written(project, tmp_path / "then", "--cutoff", cutoff)
    for name in ("full", "delta", "then"):
        assert "quokka" not in everything(tmp_path / name).lower()
    assert {row["text"] for row in full.values()} == {"What else?", "Nothing at all."}
    marked = next(row for row in delta.values())
    assert [one["comment"] for one in _list(marked["marks"])] == ["fine"]
    old = {str(row["id"]): dict(row) for row in rows(tmp_path / "old", "moderation")}
    gone = taken_back(tmp_path / "delta")
    assert {key: row for key, row in old.items() if key not in gone} | delta == full


def test_a_draft_of_a_demonstration_is_not_in_it(project: Project, alice: User, tmp_path: Path) -> None:
    draft = dialogues.start_dialogue(project=project, author=alice, kind="demonstration")
    turns.add_turn(dialogue=draft, role="user", text="A first thought of mine.")
    assert written(project, tmp_path / "x") == {}
    turns.add_turn(dialogue=draft, role="assistant", text="An answer.")
    dialogues.submit_dialogue(dialogue=draft)
    assert {row["text"] for row in written(project, tmp_path / "y").values()} == {
        "A first thought of mine.", "An answer.",
    }  # fmt: skip
