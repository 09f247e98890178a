"""How long a prompt may be that the models of a project's open round are to answer, and a message to them.

A prompt that does not fit into a model's context is cut at its beginning (generation/prompts.py), and the answers are
to something else than people read. So it is refused before it is stored, wherever prompts come in. Tokens are counted
only where a model is loaded; here they are estimated, as for model servers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast, Length
from django.utils.translation import gettext_noop

from common.held import Held
from labeling.errors import Invalid
from labeling.models import RoundPolicy
from sampler.models import ModelVersion

if TYPE_CHECKING:
    from labeling.models import Project, Prompt

PER_TOKEN = 4  # characters of English text
MOST = 40_000  # characters of one message or turn, whatever the models read
KEPT = 300  # seconds in which a page goes on counting up to the same limit
MESSAGE_TOO_LONG = gettext_noop("This has %(length)s characters, and at most %(most)s can be sent. Shorten it.")
TOO_LONG = gettext_noop(
    "A prompt has %(length)s characters. %(model)s, which answers in this project, reads at most %(most)s tokens, "
    "about %(characters)s characters."
)


@dataclass(frozen=True)
class Room:
    """What the model with the shortest context reads."""

    model: str
    tokens: int

    @property
    def characters(self) -> int:
        return self.tokens * PER_TOKEN


def room_of(project: Project | UUID) -> Room | None:
    """None where no round is open, or no model of it is known to have a limit."""
    answering = RoundPolicy.objects.filter(round__project=project, round__closed_at__isnull=True)
    policies = answering.exclude(model_version__state=ModelVersion.State.RETIRED).select_related("model_version")
    known = [Room(one.model_version.slug, limit) for one in policies if (limit := one.model_version.reads_at_most)]
    return min(known, key=lambda room: room.tokens, default=None)


def of_a_message(project: Project | UUID) -> int:
    """Characters of one message or turn. The same for every model of the round: nobody learns which one answers."""
    room = room_of(project)
    return MOST if room is None else min(MOST, room.characters)


def shown(project: Project) -> int:
    """As `of_a_message`, for what counts beside an editor: kept for minutes, so that a page does not ask each time."""
    return _shown.get(project.pk) or MOST


_shown = Held(of_a_message, KEPT)


def check_message(project: Project, text: str) -> None:
    """Raises Invalid where the text is longer than can be sent."""
    if len(text) > (most := of_a_message(project)):
        raise Invalid(MESSAGE_TOO_LONG, length=len(text), most=most)


def length(messages: Sequence[Mapping[str, object]]) -> int:
    return sum(len(str(message.get("content", ""))) for message in messages)


def check(room: Room | None, messages: Sequence[Mapping[str, object]]) -> None:
    """Raises Invalid where the prompt is longer than the model reads."""
    if room is not None and (found := length(messages)) > room.characters:
        raise Invalid(TOO_LONG, length=found, model=room.model, most=room.tokens, characters=room.characters)


def readable(prompts: QuerySet[Prompt], room: Room | None) -> QuerySet[Prompt]:
    """Without those that came in before the model did: of a pool, measured as it is stored, names of roles included."""
    if room is None:
        return prompts
    most = room.characters + room.characters // 10
    return prompts.alias(stored=Length(Cast("messages", TextField()))).filter(stored__lte=most)
