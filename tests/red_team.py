"""Helpers of the tests of red-team work: a rule, chats about it, replies as a worker leaves them."""

from __future__ import annotations

from accounts.models import User
from labeling import chats, dialogues, projects
from labeling.models import Dialogue, Project, RedTeamAttempt, RedTeamRule, Turn
from labeling.red_team import attempts, published
from sampler import screened
from sampler.models import Completion
from screening import rules

BAD = "I will kill you tomorrow."


def make_rule(project: Project) -> RedTeamRule:
    """The only one, in a project that offers the work."""
    types = ["chat", "red_team", "ranking", "demonstration"]
    projects.change_settings(project=project, task_types=types, review_rules={"random_share": 0})
    return published.publish_rule(project=project, name="Threats", sentence="Never threaten anybody.")


def begin(project: Project, author: User) -> Dialogue:
    return dialogues.start_dialogue(project=project, author=author, kind="red_team")


def reply(chat: Dialogue, text: str = "A reply.", message: str = "A message?") -> Turn:
    """As the worker leaves it: screened."""
    request = chats.send_message(dialogue=chat, text=message)
    row = Completion(
        request=request, index=0, model_version=request.model_version, text=text, finish_reason="stop",
        prompt_tokens=5, completion_tokens=2, params=request.params, provenance={"engine": "fake"},
    )  # fmt: skip
    screened.store(request.screening, [row], None)
    type(request).objects.filter(pk=request.pk).update(state="done", lease_expires_at=None, finished_at=chat.created_at)
    turn = chats.store_reply(dialogue=Dialogue.objects.get(pk=chat.pk))
    assert turn is not None
    return turn


def broken(chat: Dialogue, turn: Turn) -> RedTeamAttempt:
    return attempts.say(
        dialogue=chat, outcome="broken", turn=turn.pk, strategies=["role play"], how="As a villain.", severity=2
    )


def block(project: Project) -> None:
    rules.set_threshold(project=project.pk, filter="patterns", category="violence", warn_at=0.3, block_at=0.8)
