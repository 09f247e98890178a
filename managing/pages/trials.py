"""What the page says of a model that is being tried: a sentence for each trouble, in the reader's language."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils import timezone
from django.utils.translation import gettext

from sampler import status
from sampler.models import ModelTrial

LISTED = 12  # names of a server's models that are told


@dataclass(frozen=True)
class Shown:
    """A trial, as the page shows it."""

    trial: ModelTrial
    waits: bool
    seconds: int  # since it was asked for
    alone: bool  # no worker lives that could take it
    trouble: str
    said: str  # in the words of the engine or its server, where they tell more


def shown(trial: ModelTrial) -> Shown:
    waits = trial.finished_at is None
    waiting = trial.state == ModelTrial.State.WAITING
    took = (trial.finished_at or timezone.now()) - trial.created_at
    return Shown(
        trial=trial, waits=waits, seconds=round(took.total_seconds()),
        alone=waiting and not status.workers(), trouble=sentence(trial) if trial.trouble else "",
        said=trial.said if trial.trouble in IN_ITS_WORDS else "",
    )  # fmt: skip


Trouble = ModelTrial.Trouble
IN_ITS_WORDS = {Trouble.AWAY, Trouble.LOAD, Trouble.ANSWER, Trouble.SLOW}


def sentence(trial: ModelTrial) -> str:
    """What stands in the way, and what to do about it."""
    where, name = trial.location, trial.said
    if trial.trouble == Trouble.NAME:
        offered = ", ".join(map(str, trial.offered[:LISTED]))
        return gettext("The server has no model %(name)s. It has: %(offered)s.") % {"name": name, "offered": offered}
    words = {
        Trouble.HOST: gettext("The name server does not know the address %(where)s: look for a slip in it."),
        Trouble.FORBIDDEN: gettext(
            "Workers do not call %(where)s: it is an address of the cloud’s own services, or of no single machine."
        ),
        Trouble.AWAY: gettext("Nothing answers at %(where)s. Does the server run, and can the sampler reach it?"),
        Trouble.KEY_UNSET: gettext(
            "The sampler has no environment variable %(name)s. Set it where the sampler runs, and start it again."
        ),
        Trouble.KEY: gettext("The server at %(where)s refuses the key."),
        Trouble.FOLDER: gettext("There is no %(where)s on the machine of the sampler."),
        Trouble.WEIGHTS: gettext("%(where)s holds no weights: files named .safetensors or .gguf were expected."),
        Trouble.MEMORY: gettext("There is no room for it beside the models that are at work. Try again later."),
        Trouble.SLOW: gettext("It did not answer in time."),
        Trouble.LOAD: gettext("It could not be loaded."),
        Trouble.ANSWER: gettext("It is there, and could not answer."),
        Trouble.LOST: gettext("The worker ended while it tried. Test it again."),
    }
    return words[Trouble(trial.trouble)] % {"where": where, "name": name}
