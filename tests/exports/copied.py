"""A project in which one person's words were copied to every place that copies."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from django.core.management import call_command
from django.utils import timezone

from accounts.models import IdempotentReply
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
from labeling.models import Comparison
from labeling.quality import hidden, reviews
from moderation import marks, verdicts
from moderation.models import Verdict
from sampler.models import SampleRequest
from screening import verdicts as screened
from screening.asking import Finding
from screening.rules import plan_for
from tests import makers
from tests.exports.makers import export, given

MARK = "quokkamarmalade"


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

    def archived(self, folder: Path) -> None:
        """An archive of it all, imported again into the same project."""
        export(self.project, folder, "--config", "raw,sft,preferences")
        for config, format in (("raw", "raw"), ("sft", "trl_sft"), ("preferences", "trl_preference")):
            for split in ("train", "test"):
                path = folder / config / f"{split}.jsonl"
                if path.exists():
                    call_command(
                        "import_dialogues", self.project.slug, format, str(path), "--source", f"{config} again"
                    )

    def rest(self) -> None:
        """What other rooms keep: verdicts, and replies of the API, hers and those of others that quote her."""
        for name in verdicts.in_worker(self.project):
            verdicts.screen(self.project, name)
        for turn, who in ((self.others.turns.get(role="assistant"), self.kat), (self.drawn.turn, self.tom)):
            about = marks.verdict_on(given(turn))
            for comment in (f"{MARK} is harmless", f"{MARK} again"):
                marks.mark(verdict=about, user=who, harmful=False, comment=comment)
        refused = Finding("patterns", "1", {"violence": 0.9}, Verdict.Action.BLOCK, "violence")
        plan = plan_for(self.project.pk)
        unsent = screened.record_unsent(plan, text=f"{MARK} unsent", author_id=self.kat.pk, findings=(refused,))
        marks.mark(verdict=unsent, user=self.tim, harmful=False, comment=f"{MARK} is a jam")
        for user, said in ((self.kat, {"note": MARK}), (self.tom, {"id": str(self.drawn.pk), "prompt": MARK})):
            IdempotentReply.objects.create(user=user, key="k", request_hash="h", status=201, body=said)
