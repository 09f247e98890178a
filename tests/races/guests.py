"""What may be written on a guest's chat: messages up to the day's quota, reports of a reply, what is withdrawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from accounts.models import User
from labeling import chats, dialogues, kept, projects, terms, withdrawal
from labeling.models import Dialogue, Project, Turn
from moderation import problems
from tests import makers
from tests.races.cast import Cast
from tests.races.pairs import Situation, taken


@dataclass
class Work:
    """An answered chat of a guest's, who may send one message more today, and another chat begun beside it."""

    project: Project
    guest: User
    dialogue: Dialogue
    other: Dialogue

    @property
    def fresh(self) -> Dialogue:
        return Dialogue.objects.select_related("project").get(pk=self.dialogue.pk)

    @property
    def reply(self) -> Turn:
        return Turn.objects.select_related("dialogue__project").get(dialogue=self.dialogue, position=1)


def guests_chat(cast: Cast) -> Work:
    label = cast.people["alice"].username.removeprefix("alice")
    guest = makers.make_member(cast.project, f"gus{label}", role="guest")
    projects.change_settings(project=cast.project, guest_messages_per_day=2)
    dialogue = dialogues.start_dialogue(project=cast.project, author=guest, kind="chat")
    other = dialogues.start_dialogue(project=cast.project, author=guest, kind="chat")
    makers.answer(chats.send_message(dialogue=dialogue, text="Why is the sky blue?"), "Short waves scatter more.")
    chats.store_reply(dialogue=dialogue)
    return Work(cast.project, guest, dialogue, other)


def send(work: Work) -> object:
    return chats.send_message(dialogue=work.fresh, text="And at dusk?")


def send_beside(work: Work) -> object:
    return chats.send_message(dialogue=work.other, text="And at dawn?")


def submit(work: Work) -> object:
    return dialogues.submit_dialogue(dialogue=work.fresh)


def withdraw_chat(work: Work) -> object:
    return withdrawal.withdraw_chat(dialogue=work.fresh, by=work.guest)


def withdraw(work: Work) -> object:
    return withdrawal.withdraw(project=work.project, user=work.guest)


def accept_notice(work: Work) -> object:
    return terms.accept_notice(project=work.project, person=work.guest, number=kept.NUMBER)


def report(work: Work, problem: str) -> object:
    return problems.report(turn=work.reply, user=work.guest, problem=problem, comment=problem)


def take_back(work: Work) -> object:
    return taken(problems.take_back(turn=work.reply, user=work.guest))


SITUATIONS: Sequence[Situation[Work]] = (
    Situation(
        "guest's chat", guests_chat,
        {
            "send": send, "send beside": send_beside, "submit": submit, "withdraw chat": withdraw_chat,
            "withdraw": withdraw, "accept notice": accept_notice, "harmful": lambda work: report(work, "harmful"),
            "false": lambda work: report(work, "false"), "take back": take_back,
        },
    ),
)  # fmt: skip
