"""What may be written on one dialogue: a demonstration or chat being written, one handed in, one sent back."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from itertools import count

from accounts.models import User
from labeling import (
    candidates,
    chats,
    corrections,
    dialogues,
    feedback,
    given_prompts,
    leases,
    projects,
    selection,
    suggestions,
    turns,
    withdrawal,
)  # fmt: skip
from labeling.models import Comparison, Dialogue, Project, Turn
from labeling.quality import decisions, reviews
from sampler import claims, results
from sampler.models import SampleRequest
from sampler.params import Drawn
from tests import makers
from tests.races.cast import Cast
from tests.races.pairs import Situation

_words = count(1)


@dataclass
class Work:
    """One dialogue of alice's."""

    project: Project
    dialogue: Dialogue
    people: dict[str, User]
    answer: Turn | None = None

    @property
    def fresh(self) -> Dialogue:
        return Dialogue.objects.select_related("project").get(pk=self.dialogue.pk)

    def turn(self, position: int) -> Turn:
        return Turn.objects.select_related("dialogue__project").get(dialogue=self.dialogue, position=position)


def begun(cast: Cast, kind: str) -> Work:
    dialogue = dialogues.start_dialogue(project=cast.project, author=cast.people["alice"], kind=kind)
    return Work(cast.project, dialogue, cast.people)


def demonstration(cast: Cast) -> Work:
    work = begun(cast, "demonstration")
    turns.add_turn(dialogue=work.dialogue, role="user", text="Why is the sky blue?")
    work.answer = turns.add_turn(dialogue=work.dialogue, role="assistant", text="Short waves scatter more.")
    return work


def given(cast: Cast) -> Work:
    """A prompt of the pool to be answered, and others that are free."""
    texts = [f"Why is the sky blue, in {next(_words)} words?" for _ in range(4)]
    projects.add_prompts(project=cast.project, prompts=[[{"role": "user", "content": text}] for text in texts])
    dialogue = given_prompts.begin_given(project=cast.project, author=cast.people["alice"])
    return Work(cast.project, dialogue, cast.people)


def handed_in(cast: Cast) -> Work:
    work = demonstration(cast)
    dialogues.submit_dialogue(dialogue=work.dialogue)
    return work


def taken_back(cast: Cast) -> Work:
    """The draft that goes on from what was handed in, which is gone with it where it is discarded."""
    work = handed_in(cast)
    draft = corrections.undo_submission(dialogue=work.fresh)
    return Work(cast.project, draft, cast.people, draft.turns.select_related("dialogue__project").get(position=1))


def sent_back(cast: Cast) -> Work:
    work = handed_in(cast)
    decide(work, "rita", "returned", "Say more.")
    return work


def chat(cast: Cast) -> Work:
    """The model writes: a worker holds the request."""
    work = begun(cast, "chat")
    chats.send_message(dialogue=work.dialogue, text="Why is the sky blue?")
    assert work.dialogue.model_version is not None
    claims.claim(worker="w", model_version_ids=[work.dialogue.model_version.pk], room=9)
    return work


def answered(cast: Cast) -> Work:
    """The model has written, and nobody has made a turn of it yet."""
    work = chat(cast)
    complete(work)
    return work


def unanswered(cast: Cast) -> Work:
    """The model has failed."""
    work = chat(cast)
    request = _pending(work)
    results.fail(request_id=request.pk, attempt=request.attempts, reason="It broke.", retry=False)
    return work


def chat_handed_in(cast: Cast) -> Work:
    """With an open comparison drawn from it."""
    work = drawn(cast)
    candidates.settle_sampling()
    return work


def drawn(cast: Cast) -> Work:
    """A chat handed in, its comparison's texts written and not opened yet."""
    work = answered(cast)
    dialogues.submit_dialogue(dialogue=work.fresh)
    for request in SampleRequest.objects.filter(model_version=work.dialogue.model_version, state="queued"):
        makers.answer(request, *[f"Answer {word}." for word in ("amber", "basalt", "cedar", "delta")[: request.n]])
    return work


def add_turn(work: Work) -> object:
    return turns.add_turn(dialogue=work.fresh, role="user", text="And at dusk?")


def answer(work: Work) -> object:
    return turns.add_turn(dialogue=work.fresh, role="assistant", text="Short waves scatter more.")


def exchange(work: Work) -> object:
    return given_prompts.exchange(dialogue=work.fresh)


def bob_begins(work: Work) -> object:
    return given_prompts.begin_given(project=work.project, author=work.people["bob"])


def insert_turn(work: Work) -> object:
    return turns.add_turn(dialogue=work.fresh, role="system", text="Be brief.", position=0)


def edit_turn(work: Work) -> object:
    return turns.edit_turn(turn=_last(work), text="Blue light scatters most.")


def delete_turn(work: Work) -> object:
    return turns.delete_turn(turn=_last(work))


def save_composer(work: Work) -> object:
    return turns.save_composer(dialogue=work.fresh, composer={"text": "unsent"})


def save_if_unchanged(work: Work) -> object:
    dialogue = work.dialogue
    return turns.save_composer(dialogue=work.fresh, composer={"text": "tab"}, expected_version=dialogue.version)


def suggest(work: Work) -> object:
    return suggestions.request_suggestions(dialogue=work.fresh, role="user", n=1)


def submit(work: Work) -> object:
    return dialogues.submit_dialogue(dialogue=work.fresh)


def discard(work: Work) -> object:
    return withdrawal.discard(dialogue=work.fresh)


def undo(work: Work) -> object:
    return corrections.undo_submission(dialogue=work.fresh)


def send(work: Work) -> object:
    return chats.send_message(dialogue=work.fresh, text="And at dusk?")


def retry(work: Work) -> object:
    return chats.retry_reply(dialogue=work.fresh)


def stop(work: Work) -> object:
    return chats.stop_reply(dialogue=work.fresh)


def settle(work: Work) -> object:
    return chats.store_reply(dialogue=work.fresh)


def complete(work: Work) -> object:
    """What the worker does at the end of a reply, told to stop or not."""
    request = _pending(work)
    drawn = [Drawn(index=0, text="Short waves scatter more.", finish_reason="stop", completion_tokens=4)]
    return results.complete(request_id=request.pk, attempt=1, result=results.Result(drawn))


def held(cast: Cast) -> Work:
    """As `drawn`, and kept until a reward model has chosen it."""
    work = drawn(cast)
    for comparison in Comparison.objects.filter(project=work.project, state="sampling"):
        selection.hold(comparison)
    return work


def open_chosen(work: Work) -> object:
    return selection.open_chosen()


def open_drawn(work: Work) -> object:
    return candidates.settle_sampling()


def lease_to_bob(work: Work) -> object:
    return leases.lease_next(project=work.project, trainer=work.people["bob"])


def thumb(work: Work, up: bool) -> object:
    return feedback.give_feedback(turn=work.turn(1), user=work.people["alice"], thumb_up=up)


def decide(work: Work, name: str, decision: str, comment: str = "") -> object:
    return reviews.decide(reviewer=work.people[name], decision=decision, dialogue=work.fresh, comment=comment)


def mend(work: Work) -> object:
    return corrections.mend_dialogue(dialogue=work.fresh)


def undo_decision(work: Work) -> object:
    return decisions.undo_last(project=work.project, reviewer=work.people["rita"])


def ask_review(work: Work) -> None:
    reviews.ask_review(dialogue=work.fresh)


def withdraw(work: Work) -> object:
    return withdrawal.withdraw(project=work.project, user=work.people["alice"])


def _last(work: Work) -> Turn:
    """The answer as its page had it before either of the two began."""
    assert work.answer is not None
    return copy(work.answer)


def _pending(work: Work) -> SampleRequest:
    request = (
        SampleRequest.objects.filter(model_version=work.dialogue.model_version, purpose="reply")
        .order_by("-created_at")
        .first()
    )
    assert request is not None
    return request


REVIEWS = {
    "accept": lambda work: decide(work, "rita", "accepted"),
    "return": lambda work: decide(work, "ron", "returned", "Say more."),
    "exclude": lambda work: decide(work, "ron", "excluded"),
}
OF_A_CHAT = {"send": send, "retry": retry, "stop": stop, "settle": settle, "submit": submit, "discard": discard}
THUMBS = {"thumb up": lambda work: thumb(work, True), "thumb down": lambda work: thumb(work, False)}

SITUATIONS: Sequence[Situation[Work]] = (
    Situation(
        "demonstration", demonstration,
        {
            "add turn": add_turn, "insert turn": insert_turn, "edit turn": edit_turn, "delete turn": delete_turn,
            "composer": save_composer, "composer if unchanged": save_if_unchanged, "suggest": suggest,
            "submit": submit, "discard": discard, "withdraw": withdraw,
        },
    ),
    Situation(
        "given", given,
        {
            "exchange": exchange, "answer": answer, "bob begins": bob_begins, "submit": submit, "discard": discard,
            "withdraw": withdraw,
        },
    ),
    Situation("chat", chat, {**OF_A_CHAT, "complete": complete, "withdraw": withdraw}),
    Situation("answered", answered, {**OF_A_CHAT, "withdraw": withdraw}),
    Situation(
        "unanswered", unanswered,
        {
            "retry": retry, "send": send, "submit": submit, "discard": discard,
            "empty discarded": lambda work: withdrawal.empty_discarded(),
        },
    ),
    Situation(
        "handed in", handed_in,
        {"undo": undo, **REVIEWS, "submit": submit, "ask review": ask_review, "withdraw": withdraw},
    ),
    Situation(
        "taken back", taken_back,
        {"edit turn": edit_turn, "submit": submit, "discard": discard, "withdraw": withdraw},
    ),
    Situation(
        "drawn", drawn,
        {"open": open_drawn, "undo": undo, "exclude": REVIEWS["exclude"], "bob leases": lease_to_bob,
         "withdraw": withdraw},
    ),
    Situation(
        "held", held,
        {"open": open_drawn, "open chosen": open_chosen, "undo": undo, "exclude": REVIEWS["exclude"],
         "withdraw": withdraw},
    ),
    Situation(
        "chat handed in", chat_handed_in,
        {"undo": undo, **REVIEWS, "bob leases": lease_to_bob, **THUMBS, "withdraw": withdraw},
    ),
    Situation(
        "sent back", sent_back,
        {"mend": mend, **REVIEWS, "undo decision": undo_decision, "undo": undo, "withdraw": withdraw},
    ),
)  # fmt: skip
