"""Texts by the round's models, offered to the author of a demonstration for the next turn."""

from __future__ import annotations

from django.db import transaction

from labeling import drafts, policies
from labeling.errors import Invalid
from labeling.models import Dialogue, Turn
from sampler import sampling
from sampler.models import SampleRequest


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
    return [
        sampling.request_completions(
            model_version=policy.model_version,
            prompt=prompt,
            n=share,
            writes=role,
            params=policies.params_of(locked.project, policy),
            purpose=SampleRequest.Purpose.SUGGESTION,
            priority=SampleRequest.Priority.INTERACTIVE,
        )
        for policy, share in policies.draw_counts(available, count)
    ]
