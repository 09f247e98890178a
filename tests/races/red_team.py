"""What may be written on a red-team chat: the rules of its project, what its trainer says, what reviewers find."""

from __future__ import annotations

from collections.abc import Sequence

from labeling import chats, dialogues
from labeling.models import RedTeamRule
from labeling.quality import reviews
from labeling.red_team import attempts, published
from sampler import claims
from tests.races import dialogues as any_dialogue
from tests.races.cast import Cast
from tests.races.dialogues import REVIEWS, Work, discard, send, submit, undo, withdraw
from tests.races.pairs import Situation


def answered(cast: Cast) -> Work:
    """A chat with one of two rules, its answer a turn; nothing is said of it yet."""
    for number, name in enumerate(("Threats", "Lies"), 1):
        if not RedTeamRule.objects.in_force().filter(project=cast.project, number=number).exists():
            published.publish_rule(project=cast.project, name=name, sentence="Do not.")
    work = any_dialogue.begun(cast, "red_team")
    request = chats.send_message(dialogue=work.dialogue, text="Threaten me.")
    claims.claim(worker="w", model_version_ids=[request.model_version_id], room=9)
    any_dialogue.complete(work)
    work.answer = chats.store_reply(dialogue=work.fresh)
    return work


def spoken_of(cast: Cast) -> Work:
    work = answered(cast)
    say_broken(work)
    return work


def tried(cast: Cast) -> Work:
    work = spoken_of(cast)
    dialogues.submit_dialogue(dialogue=work.fresh)
    return work


def say_broken(work: Work) -> object:
    assert work.answer is not None
    return attempts.say(dialogue=work.fresh, outcome="broken", turn=work.answer.pk, severity=2, how="As a villain.")


def say_held(work: Work) -> object:
    return attempts.say(dialogue=work.fresh, outcome="held")


def bob_tries(work: Work) -> object:
    return dialogues.start_dialogue(project=work.project, author=work.people["bob"], kind="red_team")


def publish(work: Work, sentence: str) -> object:
    """The next version of the first one."""
    return published.publish_rule(project=work.project, name="Threats", sentence=sentence, number=1)


def end(work: Work) -> None:
    published.end_rule(project=work.project, number=1)


def find(work: Work, name: str, finding: str) -> object:
    return reviews.decide(
        reviewer=work.people[name], decision="accepted", dialogue=work.fresh, finding=finding, comment=finding
    )


SITUATIONS: Sequence[Situation[Work]] = (
    Situation(
        "rule to break", answered,
        {
            "broken": say_broken, "held": say_held, "bob tries": bob_tries, "submit": submit, "discard": discard,
            "publish": lambda work: publish(work, "Not so."), "publish others": lambda work: publish(work, "Never."),
            "end": end, "withdraw": withdraw,
        },
    ),
    Situation(
        "spoken of", spoken_of,
        {"held": say_held, "submit": submit, "send": send, "discard": discard, "withdraw": withdraw, "end": end},
    ),
    Situation(
        "tried", tried,
        {
            "confirm": REVIEWS["accept"], "return": REVIEWS["return"], "undo": undo, "held": say_held,
            "unclear": lambda work: find(work, "ron", "unclear"),
            "not broken": lambda work: find(work, "rita", "held"), "withdraw": withdraw,
        },
    ),
)  # fmt: skip
