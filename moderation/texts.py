"""The texts that a page shows, as the panel of the content filter names them, each with its warning or block. Reads
only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.utils.translation import gettext

from labeling import contents
from labeling.models import Comparison, Dialogue, Turn
from labeling.pages import live
from labeling.pages.letters import letters_of
from moderation.models import Verdict
from screening.verdicts import strictest

Target = Verdict.Target
TURNS = 200  # the newest of a dialogue, which the panel offers


@dataclass(frozen=True)
class Text:
    """One text; `ids` are those under which filters may know it or a part of it, first the one that is marked."""

    key: str
    name: str
    target: Verdict.Target
    ids: tuple[UUID, ...]
    text: str
    verdict: Verdict | None = None

    @property
    def excerpt(self) -> str:
        words = " ".join(self.text.split())
        return words if len(words) <= 60 else f"{words[:59]}…"


def of_comparison(comparison: Comparison, order_shown: Sequence[str]) -> list[Text]:
    """The completions under the letters of the page, then the prompt."""
    found = [
        Text(letter, gettext("Completion %s") % letter, Target.COMPLETION, (UUID(cid),), comparison.texts[cid])
        for cid, letter in letters_of(order_shown).items()
    ]
    prompt = Text(
        "prompt", gettext("Prompt"), Target.PROMPT, _ids_of_prompt(comparison), contents.whole(comparison.prompt)
    )
    return _judged(comparison.project_id, [*found, prompt])


def _ids_of_prompt(comparison: Comparison) -> tuple[UUID, ...]:
    ids: list[UUID | None] = [comparison.pk, comparison.pool_prompt_id]
    if comparison.turn_id is not None:
        drawn = Turn.objects.filter(pk=comparison.turn_id).values("dialogue", "position")
        for turn in drawn:
            before = Turn.objects.filter(dialogue=turn["dialogue"], position__lt=turn["position"])
            ids += [pk for pair in before.values_list("pk", "completion_id") for pk in pair]
    return tuple(pk for pk in ids if pk is not None)


def of_dialogue(dialogue: Dialogue) -> list[Text]:
    """What is suggested for its next turn, then its turns, the newest first."""
    suggested = [
        Text(f"suggestion {card.number}", gettext("Suggestion %s") % card.number, Target.COMPLETION,
             (card.completion.pk,), card.text)
        for card in live.suggestions(dialogue.composer) if card.completion is not None and card.text
    ]  # fmt: skip
    rows = dialogue.turns.order_by("-position")[:TURNS]
    return _judged(dialogue.project_id, [*suggested, *(of_turn(turn) for turn in rows)])


def of_turn(turn: Turn) -> Text:
    name = gettext("Turn %(number)s, %(role)s") % {"number": turn.position + 1, "role": turn.get_role_display()}
    ids = (turn.pk,) if turn.completion_id is None else (turn.pk, turn.completion_id)
    return Text(str(turn.position + 1), name, Target.TURN, ids, turn.text)


def _judged(project: UUID, texts: Sequence[Text]) -> list[Text]:
    found = _acting(project, [text_id for text in texts for text_id in text.ids])
    return [
        Text(
            text.key, text.name, text.target, text.ids, text.text,
            strictest([verdict for text_id in text.ids for verdict in found.get(text_id, ())]),
        )
        for text in texts
    ]  # fmt: skip


def _acting(project: UUID, ids: Sequence[UUID]) -> Mapping[UUID, list[Verdict]]:
    found: dict[UUID, list[Verdict]] = defaultdict(list)
    for row in Verdict.objects.filter(project=project, target_id__in=ids).exclude(action=Verdict.Action.NONE):
        found[row.target_id].append(row)
    return found
