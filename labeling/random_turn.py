"""From a submitted chat to comparisons: the random turn. Its completions: `labeling/candidates.py`."""

from __future__ import annotations

from itertools import takewhile

from django.db import transaction

from labeling import contents, randomness
from labeling.candidates import new_comparison, request_missing
from labeling.drafts import messages_of
from labeling.models import Candidate, Dialogue, Turn, TurnDraw
from labeling.projects import current_round
from sampler import control_tokens
from sampler.models import Completion


def eligible_turns(dialogue: Dialogue) -> list[Turn]:
    """Complete model-written turns, in order: stopped ones never, truncated ones if the project keeps them; none
    with a control token in it or before it, and none from the first on that the content filter blocks."""
    reasons = [Completion.FinishReason.STOP]
    if dialogue.project.keep_truncated:
        reasons.append(Completion.FinishReason.LENGTH)
    tokens = control_tokens.known()
    blocked = contents.blocked_turns(dialogue) if dialogue.rule_id else ()  # of other chats none becomes a turn
    clean = takewhile(
        lambda turn: turn.pk not in blocked and not tokens.first(turn.text),
        dialogue.turns.select_related("completion").order_by("position"),
    )
    return [
        turn
        for turn in clean
        if turn.role == Turn.Role.ASSISTANT and turn.completion and turn.completion.finish_reason in reasons
    ]


@transaction.atomic
def draw_for(*, dialogue: Dialogue, seed: int | None = None) -> TurnDraw:
    """The one draw of a submitted chat, stored with its seed and eligible turns, and a comparison for
    each drawn turn."""
    assert dialogue.submitted_at is not None
    project = dialogue.project
    turns = {str(turn.pk): turn for turn in eligible_turns(dialogue)}
    seed = randomness.new_seed() if seed is None else seed
    drawn = randomness.draw_turns(policy=project.turn_policy, eligible=list(turns), n=project.draws_per_chat, seed=seed)
    draw = TurnDraw.objects.create(
        dialogue=dialogue,
        submitted_at=dialogue.submitted_at,
        policy=project.turn_policy,
        seed=seed,
        eligible=list(turns),
        drawn=drawn,
    )
    for turn_id in drawn:
        _begin_comparison(draw, turns[turn_id])
    return draw


def _begin_comparison(draw: TurnDraw, turn: Turn) -> None:
    """A comparison of completions for the drawn turn, which may be one of them."""
    dialogue, project = draw.dialogue, draw.dialogue.project
    comparison = new_comparison(
        project,
        current_round(project) or dialogue.round,
        messages_of(dialogue, before=turn),
        key=dialogue.prompt_key,
        split=dialogue.split,
        author_id=dialogue.author_id,
        dialogue=dialogue,
        turn=turn,
        draw=draw,
        source=f"red team: {dialogue.rule}" if dialogue.rule else "",
    )
    if project.include_original and turn.completion is not None:
        Candidate.objects.create(comparison=comparison, completion=turn.completion, index=0, is_original=True)
    request_missing(comparison)
