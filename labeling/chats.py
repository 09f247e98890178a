"""Every write on a chat: the trainer's message, the reply that is being written, how it becomes a turn."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Exists, Max, OuterRef
from django.utils.translation import gettext_noop

from common.shapes import JsonObject
from common.visible import visible
from labeling import contents, drafts, policies, quota
from labeling.contents import Checked
from labeling.errors import Conflict, Invalid
from labeling.models import Dialogue, ReplyRequest, Turn
from sampler import sampling
from sampler.models import Completion, SampleRequest
from screening.verdicts import WAITING

STILL_WRITING = gettext_noop("The model is still writing. Wait for it, or stop it.")


def send_message(
    *, dialogue: Dialogue, text: str, seconds: int = 0, expected_version: int | None = None
) -> SampleRequest:
    """Add the trainer's message to a chat and ask its model version to answer.

    Raises:
        Conflict: the answer to the last message is still being written.
        Invalid: the last message has no answer yet (ask again with `retry_reply`).
        Blocked: by the content filter; nothing was sent. A red-team chat goes on whatever the filter says.
        OverQuota: a guest has sent as many as the day allows.
    """
    text = drafts.checked_text(dialogue.project, text)
    checked = contents.check(
        project_id=dialogue.project_id, text=text, author_id=dialogue.author_id, goes_on=bool(dialogue.rule_id)
    )
    return _send(dialogue, text, checked, seconds=seconds, expected_version=expected_version)


@transaction.atomic
def _send(
    dialogue: Dialogue, text: str, checked: Checked, *, seconds: int, expected_version: int | None
) -> SampleRequest:
    quota.require(dialogue)
    locked = drafts.lock_draft(dialogue, expected_version)
    _require_chat(locked)
    take_reply(locked)
    if _is_writing(locked):
        raise Conflict(STILL_WRITING, version=locked.version)
    if locked.pending_request_id:
        raise Invalid("The last message has no answer: try again first.")
    last = locked.turns.order_by("-position").first()
    if last is not None and last.role == Turn.Role.USER:
        raise Invalid("The last message has no answer: try again first.")
    position = last.position + 1 if last else 0
    if position >= drafts.MAX_TURNS:
        raise Invalid("A dialogue holds at most %(most)s turns.", most=drafts.MAX_TURNS)
    turn = Turn.objects.create(
        dialogue=locked,
        position=position,
        role=Turn.Role.USER,
        text=text,
        seconds=min(seconds, drafts.MAX_SECONDS_PER_SAVE),
    )
    checked.keep(turn.pk)
    rules = contents.rules_for_reply(checked, turn.pk, goes_on=bool(locked.rule_id))
    return _ask(locked, dialogue, seconds=seconds, screening=rules)


@transaction.atomic
def retry_reply(*, dialogue: Dialogue) -> SampleRequest:
    """Ask again where the last message has no answer: it failed, or was stopped before a word. It counts as a message.

    Raises:
        OverQuota: as `send_message`.
    """
    quota.require(dialogue)
    locked = drafts.lock_draft(dialogue, None)
    _require_chat(locked)
    take_reply(locked)
    if _is_writing(locked):
        raise Conflict(STILL_WRITING, version=locked.version)
    last = locked.turns.order_by("-position").first()
    if last is None or last.role != Turn.Role.USER:
        raise Invalid("There is no message without an answer.")
    screening = {**contents.rules_of(locked.project_id, goes_on=bool(locked.rule_id)), "turn": str(last.pk)}
    return _ask(locked, dialogue, screening=screening)


@transaction.atomic
def stop_reply(*, dialogue: Dialogue) -> bool:
    """Stop the reply that is being written; what there is of it is kept as a turn."""
    locked = drafts.lock_draft(dialogue, None)
    return locked.pending_request_id is not None and sampling.cancel(request_id=locked.pending_request_id)


@transaction.atomic
def store_reply(*, dialogue: Dialogue) -> Turn | None:
    """Make the ended reply a turn; None while it is being written, and where it failed."""
    locked = Dialogue.objects.select_for_update().get(pk=dialogue.pk)
    turn = take_reply(locked)
    dialogue.pending_request, dialogue.version = locked.pending_request, locked.version
    return turn


def store_ended_replies(*, limit: int = 200) -> int:
    """Turn ended replies of idle chats into turns; the beat task's share of `store_reply`."""
    waiting = (
        Dialogue.objects.drafts()
        .filter(pending_request__state__in=[SampleRequest.State.DONE, SampleRequest.State.CANCELLED])
        .exclude(Exists(Completion.objects.filter(request=OuterRef("pending_request"), withheld=WAITING)))
    )
    return sum(store_reply(dialogue=dialogue) is not None for dialogue in waiting[:limit])


def finish(locked: Dialogue) -> None:
    """Bring a chat to its end before it is submitted. A last message without an answer is not part of it.

    Raises:
        Invalid: a reply is being written, or there is none at all.
    """
    take_reply(locked)
    if _is_writing(locked):
        raise Invalid(STILL_WRITING)
    last = locked.turns.order_by("-position").first()
    if last is not None and last.role == Turn.Role.USER:
        if not locked.turns.filter(role=Turn.Role.ASSISTANT).exists():
            raise Invalid("The chat has no answer yet.")
        last.delete()


def _ask(locked: Dialogue, dialogue: Dialogue, *, screening: JsonObject, seconds: int = 0) -> SampleRequest:
    assert locked.model_version is not None
    policy = locked.round.policies.filter(model_version=locked.model_version).first() if locked.round else None
    request = sampling.request_completions(
        model_version=locked.model_version,
        prompt=drafts.messages_of(locked),
        n=1,
        params=policies.params_of(locked.project, policy),
        purpose=SampleRequest.Purpose.REPLY,
        priority=SampleRequest.Priority.INTERACTIVE,
        screening=screening,
    )
    ReplyRequest.objects.create(dialogue=locked, request=request)
    locked.pending_request = request
    drafts.touch(locked, dialogue, composer={}, seconds=seconds, pending_request=request)
    dialogue.pending_request = request
    return request


def take_reply(locked: Dialogue) -> Turn | None:
    """`store_reply` for a caller that holds the dialogue's lock. A reply that the content filter blocks becomes no
    turn, except in a red-team chat; one that waits for a filter stays where it is."""
    request = locked.pending_request
    if request is None or request.state not in (SampleRequest.State.DONE, SampleRequest.State.CANCELLED):
        return None
    completion = request.completions.order_by("index").first()
    if completion is not None and completion.withheld == WAITING:
        return None
    turn = None
    kept = completion is not None and (not completion.withheld or locked.rule_id is not None)
    if completion is not None and kept and visible(completion.text):
        last = locked.turns.aggregate(last=Max("position"))["last"]
        turn = Turn.objects.create(
            dialogue=locked,
            position=0 if last is None else last + 1,
            role=Turn.Role.ASSISTANT,
            text=completion.text.strip(),
            completion=completion,
        )
    # No new version: nobody edited anything, and a tab where the next message is being typed must not be
    # told that another tab was first.
    locked.pending_request = None
    locked.save(update_fields=["pending_request", "saved_at"])
    return turn


def _is_writing(locked: Dialogue) -> bool:
    request = locked.pending_request
    if request is None:
        return False
    return request.state not in SampleRequest.ENDED or request.completions.filter(withheld=WAITING).exists()


def _require_chat(dialogue: Dialogue) -> None:
    if dialogue.kind != Dialogue.Kind.CHAT:
        raise Invalid("Only a chat has a model that answers.")
