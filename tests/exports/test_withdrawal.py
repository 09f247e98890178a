"""Whoever withdraws is in no later file and in no column, wherever their words were copied to."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import IdempotentReply, User
from exports import runs
from exports.formats.base import FORMATS
from exports.options import Options, parse_instant
from exports.renderings.base import RENDERINGS
from labeling import (
    assignments,
    candidates,
    chats,
    corrections,
    dialogues,
    feedback,
    projects,
    rankings,
    stock,
    suggestions,
    turns,
)
from labeling.errors import Gone
from labeling.models import Comparison, Dialogue, Project, Ranking, Turn
from labeling.quality import hidden, reviews
from labeling.withdrawal import WITHDRAWN, withdraw
from moderation import verdicts
from sampler import results
from sampler.models import SampleRequest
from tests import makers
from tests.exports.makers import export, given, rows

MARK = "quokkamarmalade"
EVERYTHING = {"configs": FORMATS.choices(), "renderings": RENDERINGS.choices(), "include_reasoning": True}
OLD: dict[str, dict[str, object]] = {
    "usual": {**EVERYTHING},
    "all kinds": {**EVERYTHING, "kinds": ["normal", "calibration", "exam", "repeat"], "include_truncated": True},
}


class Copied:
    """A project in which kat's words went everywhere; kat says MARK wherever she may write, and so do models that
    answer her and people who quote her."""

    def __init__(self) -> None:
        self.project = makers.make_project(
            "copied",
            ask_ideal_answer=True,
            votes_per_comparison=3,
            stock_target=4,
            calibration_share=0.1,
            repeat_share=0.1,
            undo_minutes=60,
        )
        self.kat = makers.make_member(self.project, "kat", role="reviewer")
        self.tom = makers.make_member(self.project, "tom")
        self.tim = makers.make_member(self.project, "tim", role="reviewer")
        self.prompt()
        self.chat()
        self.openings()
        self.judgements()
        self.asked()
        self.rest()

    def open_comparison(self, **of: object) -> Comparison:
        makers.answer_all(f"{MARK} said the model {{n}}")
        candidates.settle_sampling()
        return Comparison.objects.filter(project=self.project, state="open", **of).latest("created_at")

    def prompt(self) -> None:
        """A prompt of the pool, made into a comparison for stock; ranked with an ideal answer, a note, a reason."""
        messages = [{"role": "user", "content": f"What is {MARK} made of?"}]
        (self.pool,) = projects.add_prompts(
            project=self.project, prompts=[messages], source=f"{MARK} notes", author=self.kat
        )
        stock.keep_stock()
        made = self.open_comparison(pool_prompt=self.pool)
        makers.make_ranking(made, self.tom, note=f"About {MARK}.", ideal_answer=f"{MARK} is made of fruit.")
        lease = makers.make_lease(made, self.tim)
        assignments.save_draft(assignment=lease, draft={"note": f"{MARK}?"})
        assignments.skip(assignment=lease, reason=f"I know nothing of {MARK}.")

    def chat(self) -> None:
        """Her chat, the comparison drawn from it, the ideal answer to it, and its new version after a review."""
        chat = dialogues.start_dialogue(project=self.project, author=self.kat, kind="chat")
        request = chats.send_message(dialogue=chat, text=f"Tell me of {MARK}.")
        makers.answer(request, f"Of {MARK} I know this.")
        chats.store_reply(dialogue=chat)
        failed = chats.send_message(dialogue=chat, text=f"More of {MARK}.")
        SampleRequest.objects.filter(pk=failed.pk).update(
            state="failed", error=f"cannot read {MARK}", partial=[f"{MARK} is"], finished_at=timezone.now()
        )
        dialogues.submit_dialogue(dialogue=chat)
        self.drawn = self.open_comparison(dialogue=chat)
        ranking = makers.make_ranking(self.drawn, self.tom, ideal_answer="It is a jam.")
        self.ideal = given(ranking.ideal_answer)
        reviews.decide(reviewer=self.tim, decision="returned", dialogue=self.ideal, comment=f"Say more of {MARK}.")
        self.mended = corrections.mend_dialogue(dialogue=self.ideal)
        for practice in (False, True):
            item = hidden.make_original(ranking=ranking, kind="exam", explanation=f"See {MARK}.", practice=practice)
        hidden.hand_to(original=item, trainer=self.tim, kind="exam")
        item = hidden.make_original(ranking=ranking, kind="calibration")
        given_out = hidden.hand_to(original=item, trainer=self.tim, kind="calibration")
        makers.make_ranking(given_out, self.tim, note=f"{MARK} again")
        repeat = hidden.hand_to(original=self.drawn, trainer=self.tom, kind="repeat")
        makers.make_ranking(repeat, self.tom)

    def openings(self) -> None:
        """What tim began with her prompt: a demonstration, a draft, a chat and the comparison drawn from it."""
        for submit in (True, False):
            demonstration = dialogues.start_dialogue(
                project=self.project, author=self.tim, kind="demonstration", prompt=self.pool
            )
            assert demonstration.composer["text"].count(MARK) == 1
            if submit:
                turns.add_turn(dialogue=demonstration, role="user", text=demonstration.composer["text"])
                (asked,) = suggestions.request_suggestions(dialogue=demonstration, role="assistant", n=1)
                makers.answer(asked, f"{MARK} is fruit, I suggest.")
                turns.add_turn(dialogue=demonstration, role="assistant", text=f"{MARK} is fruit.")
                dialogues.submit_dialogue(dialogue=demonstration)
                self.demonstration = demonstration
        chat = dialogues.start_dialogue(project=self.project, author=self.tim, kind="chat", prompt=self.pool)
        request = chats.send_message(dialogue=chat, text=str(chat.composer["text"]))
        makers.answer(request, f"{MARK}: fruit.")
        turn = given(chats.store_reply(dialogue=chat))
        feedback.give_feedback(turn=turn, user=self.tim, thumb_up=True, comment=f"{MARK} told well")
        dialogues.submit_dialogue(dialogue=chat)
        self.of_opened = makers.make_ranking(self.open_comparison(dialogue=chat), self.tom)

    def judgements(self) -> None:
        """Her words about the work of others."""
        self.hers = makers.make_ranking(makers.make_comparison(self.project), self.kat, note=f"{MARK} one")
        none = makers.make_lease(makers.make_comparison(self.project), self.kat)
        rankings.submit_ranking(assignment=none, groups=[], not_rankable=f"All of them are {MARK}.")
        skipped = makers.make_lease(makers.make_comparison(self.project), self.kat)
        assignments.skip(assignment=skipped, reason=f"{MARK} calls")
        begun = makers.make_lease(makers.make_comparison(self.project), self.kat)
        assignments.save_draft(assignment=begun, draft={"note": f"{MARK} begun"})
        self.others = makers.make_chat(self.project, self.tim, submit=True)
        turn = self.others.turns.get(role="assistant")
        feedback.give_feedback(turn=turn, user=self.kat, thumb_up=False, reasons=[MARK], comment=f"{MARK}!")
        feedback.give_feedback(turn=turn, user=self.tim, thumb_up=True, comment="well told")
        self.kept = makers.make_ranking(makers.make_comparison(self.project, votes=2), self.tom)
        reviews.decide(reviewer=self.kat, decision="accepted", ranking=self.kept, comment=f"{MARK} good")
        makers.make_ranking(self.kept.comparison, self.kat, note=f"{MARK} mine")

    def asked(self) -> None:
        """Her demonstrations: taken back and gone on with, with suggestions that nobody took, one being written."""
        made = makers.make_demonstration(self.project, self.kat, question=f"Why {MARK}?")
        draft = corrections.undo_submission(dialogue=made)
        for request in suggestions.request_suggestions(dialogue=draft, role="user", n=2):
            makers.answer(request, *[f"{MARK} {n}" for n in range(request.n)])
        (self.running, *_) = suggestions.request_suggestions(dialogue=draft, role="user", n=1)
        SampleRequest.objects.filter(pk=self.running.pk).update(
            state="running", worker="w", attempts=1, lease_expires_at=timezone.now() + timedelta(minutes=5)
        )
        turns.save_composer(dialogue=draft, composer={"role": "user", "text": f"{MARK} unsent"})
        makers.make_demonstration(self.project, self.kat, question=f"When {MARK}?")

    def rest(self) -> None:
        """What other rooms keep: verdicts, and replies of the API, hers and those of others that quote her."""
        for name in verdicts.in_worker():
            verdicts.screen(self.project, name)
        for user, said in ((self.kat, {"note": MARK}), (self.tom, {"id": str(self.drawn.pk), "prompt": MARK})):
            IdempotentReply.objects.create(user=user, key="k", request_hash="h", status=201, body=said)


@pytest.fixture
def copied(db: None) -> Copied:
    return Copied()


def columns() -> Iterator[tuple[str, str]]:
    """Every row of every table, as text."""
    for model in apps.get_models(include_auto_created=True):
        for row in model._default_manager.values():
            for name, value in row.items():
                yield f"{model._meta.label}.{name}", str(value)


def found(mark: str) -> set[str]:
    return {name for name, text in columns() if mark in text}


def test_after_every_kind_of_copy_a_withdrawal_leaves_no_word_in_any_column_or_export(
    copied: Copied, tmp_path: Path
) -> None:
    project = copied.project
    before = {name: write(project, tmp_path / name, options) for name, options in OLD.items()}
    for name in OLD:
        assert MARK in said(tmp_path / name)
    # The walk sees what it is to find, in every column that a person's words are copied to.
    assert {
        "labeling.Turn.text", "labeling.Dialogue.composer", "labeling.Comparison.prompt", "labeling.Prompt.messages",
        "labeling.Prompt.source", "labeling.Comparison.explanation", "labeling.Ranking.note",
        "labeling.Ranking.not_rankable", "labeling.Assignment.draft", "labeling.Assignment.skip_reason",
        "labeling.TurnFeedback.comment", "labeling.TurnFeedback.reasons", "labeling.Review.comment",
        "sampler.Completion.text", "sampler.SampleRequest.prompt", "sampler.SampleRequest.partial",
        "sampler.SampleRequest.error", "accounts.IdempotentReply.body",
    } <= found(MARK)  # fmt: skip
    rankings_before = Ranking.objects.count()
    withdraw(project=project, user=copied.kat)
    late = results.Result(drawn=[])
    assert not results.complete(request_id=copied.running.pk, attempt=1, result=late)  # its worker stores nothing
    assert found(MARK) == set()
    assert Ranking.objects.count() == rankings_before
    for name, options in OLD.items():
        full = write(project, tmp_path / f"{name} full", options)
        write(project, tmp_path / f"{name} as of then", options, before[name])
        write(project, tmp_path / f"{name} delta", {**options, "since": before[name]}, full)
        for written in ("full", "as of then", "delta"):
            assert MARK not in said(tmp_path / f"{name} {written}"), (name, written)
            assert WITHDRAWN not in said(tmp_path / f"{name} {written}"), (name, written)
        joined = join(tmp_path / name, tmp_path / f"{name} delta")
        assert joined == {config: texts(tmp_path / f"{name} full", config) for config in FORMATS.choices()}, name
        assert MARK not in str(joined)


def write(project: Project, folder: Path, options: dict[str, object], cutoff: str = "") -> str:
    """An export with options that the command does not have; returns its cutoff."""
    run = runs.request(
        project=project,
        trigger="command",
        options=Options.from_dict(options),
        cutoff=parse_instant(cutoff) if cutoff else None,
        ring=False,
    )
    done = runs.execute(run=given(runs.claim(run_id=str(run.pk))), target=folder)
    return str(given(done.manifest)["cutoff"])


def said(folder: Path) -> str:
    """All the text of a folder, of Parquet files too."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return "\n".join(
        str(pq.read_table(path).to_pylist()) if path.suffix == ".parquet" else path.read_text() for path in files
    )


def texts(folder: Path, config: str) -> list[str]:
    return sorted(json.dumps(row) for row in rows(folder, config))


def join(old: Path, delta: Path) -> dict[str, list[str]]:
    """The rows of the old export, less those that a tombstone names, and those of the delta."""
    told = [json.loads(line) for line in (delta / "tombstones.jsonl").read_text().splitlines()]
    gone = {(config, one["id"]) for one in told for config in one["configs"]}
    return {
        config: sorted(
            [json.dumps(row) for row in rows(old, config) if (config, row.get("ranking_id", row["id"])) not in gone]
            + texts(delta, config)
        )
        for config in FORMATS.choices()
    }


def test_what_others_did_stays_where_it_rests_on_nothing_of_hers(copied: Copied, tmp_path: Path) -> None:
    withdraw(project=copied.project, user=copied.kat)
    export(copied.project, tmp_path / "x", "--config", "rankings,ratings,sft,raw")
    assert [row["id"] for row in rows(tmp_path / "x", "rankings")] == [str(copied.kept.pk)]
    (rating,) = rows(tmp_path / "x", "ratings")
    assert (rating["dialogue_id"], rating["label"]) == (str(copied.others.pk), True)
    assert rows(tmp_path / "x", "sft") == []  # tom's ideal answers and tim's demonstration answered her
    for emptied in (copied.ideal, copied.mended, copied.demonstration):
        assert set(emptied.turns.values_list("text", flat=True)) == {WITHDRAWN}
    assert Turn.objects.filter(dialogue=copied.others, text=WITHDRAWN).count() == 0
    copied.hers.refresh_from_db()
    assert (copied.hers.note, copied.hers.undone_at) == ("", None)


def test_nothing_new_is_made_from_what_was_withdrawn(copied: Copied) -> None:
    pool = copied.pool
    withdraw(project=copied.project, user=copied.kat)
    with pytest.raises(Gone):
        dialogues.start_dialogue(project=copied.project, author=copied.tim, kind="demonstration", prompt=pool)
    with pytest.raises(Gone):
        hidden.hand_to(original=copied.drawn, trainer=copied.tim, kind="repeat")
    made = Comparison.objects.count(), Dialogue.objects.count()
    hidden.keep_hidden()
    stock.keep_stock()
    assert (Comparison.objects.count(), Dialogue.objects.count()) == made


def test_the_same_key_is_answered_with_gone(copied: Copied) -> None:
    withdraw(project=copied.project, user=copied.kat)
    assert set(IdempotentReply.objects.values_list("status", flat=True)) == {410}


def test_without_a_terminal_the_command_says_what_to_pass_and_does_nothing(
    project: Project, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = makers.make_demonstration(project, alice)
    monkeypatch.setattr("sys.stdin", io.StringIO("yes\n"))
    with pytest.raises(CommandError, match="--yes"):
        call_command("withdraw", project.slug, "alice", verbosity=0)
    assert not made.turns.filter(text=WITHDRAWN).exists()
    assert project.memberships.get(user=alice).withdrawn_at is None
    call_command("withdraw", project.slug, "alice", "--yes", verbosity=0)
    assert set(made.turns.values_list("text", flat=True)) == {WITHDRAWN}
