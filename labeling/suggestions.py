"""Texts by the round's models, offered to the author of a demonstration for the next turn, and which were offered."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db import transaction

from labeling import contents, drafts, policies
from labeling.errors import Invalid
from labeling.models import Dialogue, SuggestionRequest, Turn
from sampler import sampling
from sampler.models import Completion, SampleRequest


@transaction.atomic
def request_suggestions(*, dialogue: Dialogue, role: str, n: int | None = None) -> list[SampleRequest]:
    """Ask the round's model versions for `n` texts for the next turn, on either side.

    One request for each model version that was drawn, so that each may stream on its own.
    """
    locked = drafts.lock_draft(dialogue, None)
    if role not in (Turn.Role.USER, Turn.Role.ASSISTANT):
        raise Invalid("Suggestions are written for the user's or the assistant's turn.")
    available = policies.policies_of(locked.project, else_of=locked.round)
    if not available:
        raise Invalid("No round is open: there is no model to ask.")
    prompt = drafts.messages_of(locked)
    if role == Turn.Role.ASSISTANT and not any(m["role"] == "user" for m in prompt):
        raise Invalid("Write the user's turn first: there is nothing to answer yet.")
    count = max(1, min(n or locked.project.suggestions_per_request, 9))
    drawn = policies.draw(available, count)
    asked = [
        sampling.request_completions(
            model_version=policy.model_version,
            prompt=prompt,
            n=share,
            writes=role,
            params=policies.params_of(locked.project, policy),
            purpose=SampleRequest.Purpose.SUGGESTION,
            priority=SampleRequest.Priority.INTERACTIVE,
            screening=contents.rules_of(locked.project_id),
        )
        for policy, share in policies.shares(available, drawn)
    ]
    SuggestionRequest.objects.bulk_create(
        SuggestionRequest(dialogue=locked, request=request, policy_draw=drawn) for request in asked
    )
    return asked


def require_offered(*, dialogue: Dialogue, completion_ids: Collection[UUID]) -> None:
    """Only what was offered in this dialogue, or in the one that it goes on from, is named in its turns.

    Raises:
        Invalid: one was not.
    """
    wanted = set(completion_ids)
    if not wanted:
        return
    offered = SuggestionRequest.objects.filter(dialogue__in=_line(dialogue)).values("request")
    if Completion.objects.filter(pk__in=wanted, request__in=offered, withheld="").count() < len(wanted):
        raise Invalid("There is no such suggestion in this dialogue.")


def _line(dialogue: Dialogue) -> list[UUID]:
    """The dialogue and those that it was copied from, one after the other."""
    line, earlier = [dialogue.pk], dialogue.supersedes_id
    while earlier is not None:
        line.append(earlier)
        earlier = Dialogue.objects.values_list("supersedes", flat=True).get(pk=earlier)
    return line
