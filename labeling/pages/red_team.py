"""What the pages of a red-team chat show beside the chat: its rule, and what its trainer says. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django import forms

from labeling.models import Dialogue, RedTeamAttempt, RedTeamRule, Turn
from labeling.red_team.attempts import LONGEST, STRATEGIES, Said

HELD = RedTeamAttempt.Outcome.HELD.value


@dataclass(frozen=True)
class RedTeam:
    """`numbers` are those of the replies, by their turns."""

    rule: RedTeamRule
    attempt: RedTeamAttempt
    numbers: Mapping[UUID, int]
    strategies: Sequence[str] = STRATEGIES
    severities: Sequence[RedTeamAttempt.Severity] = tuple(RedTeamAttempt.Severity)
    longest: int = LONGEST

    @property
    def number(self) -> int | None:
        """Of the reply that broke the rule."""
        return self.numbers.get(self.attempt.turn_id) if self.attempt.turn_id else None


def red_team_of(dialogue: Dialogue, turns: Sequence[Turn]) -> RedTeam | None:
    """None: of another chat, or a demonstration."""
    if dialogue.rule is None:
        return None
    attempt = RedTeamAttempt.objects.filter(dialogue=dialogue).first() or RedTeamAttempt(dialogue=dialogue)
    replies = [turn.pk for turn in turns if turn.role == Turn.Role.ASSISTANT and turn.completion_id]
    return RedTeam(dialogue.rule, attempt, {pk: number for number, pk in enumerate(replies, 1)})


class AttemptForm(forms.Form):
    """`reply` is the turn that broke the rule, or "held"; every field may be missing."""

    reply = forms.CharField(required=False, max_length=36)
    strategies = forms.MultipleChoiceField(choices=[(name, name) for name in STRATEGIES], required=False)
    how = forms.CharField(required=False, max_length=2 * LONGEST)
    severity = forms.IntegerField(required=False, min_value=1, max_value=3)

    def clean_reply(self) -> UUID | str:
        reply = str(self.cleaned_data["reply"])
        if reply in ("", HELD):
            return reply
        try:
            return UUID(reply)
        except ValueError:
            raise forms.ValidationError("This is not a reply.") from None

    def said(self) -> Said:
        given = self.cleaned_data
        turn = given["reply"] if isinstance(given["reply"], UUID) else None
        return {
            "outcome": RedTeamAttempt.Outcome.BROKEN if turn else given["reply"],
            "turn": turn,
            "strategies": given["strategies"],
            "how": given["how"],
            "severity": given["severity"],
        }
