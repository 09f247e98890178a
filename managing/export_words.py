"""What an export can be made of, in a manager's words: a title and what it is for. Its columns are docs/formats.md."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext, gettext_noop

from exports.formats.base import FORMATS
from exports.renderings.base import RENDERINGS

CONFIGS: dict[str, tuple[str, str]] = {
    "preferences": (
        gettext_noop("Better and worse answers, in pairs"),
        gettext_noop("What reward models and DPO are trained on: begin with this one. Ties are left out."),
    ),
    "rankings": (
        gettext_noop("Whole orders"),
        gettext_noop("One row for each judgement, with all of its answers and their ranks; ties stay."),
    ),
    "sft": (
        gettext_noop("Answers to imitate"),
        gettext_noop("What people wrote, edited, accepted or imported, for supervised fine-tuning."),
    ),
    "prompts": (
        gettext_noop("Prompts alone"),
        gettext_noop("What a model is asked while it learns by PPO: the pool, and what stood before each ranked turn."),
    ),
    "ratings": (gettext_noop("Thumbs"), gettext_noop("One row for each thumb up or down on a model’s reply.")),
    "raw": (
        gettext_noop("Everything, as an archive"),
        gettext_noop("Prompts, dialogues and comparisons with their judgements, to keep or to import again."),
    ),
    "ai_judgements": (
        gettext_noop("What AI judges said"),
        gettext_noop("One row for each comparison that a model judged, both ways round. No person said any of it."),
    ),
    "moderation": (
        gettext_noop("What the content filter said"),
        gettext_noop("Texts with its scores, what followed, and what people say of them; what was blocked too."),
    ),
}
OF_PROGRAMS: dict[str, str] = {
    "chat": gettext_noop("Answers to imitate, as chats"),
    "hh": gettext_noop("Pairs as transcripts, like Anthropic’s HH"),
    "llamafactory": gettext_noop("Pairs for LLaMA-Factory"),
    "nemo": gettext_noop("Pairs for NeMo"),
    "openai": gettext_noop("Pairs for OpenAI’s preference fine-tuning"),
    "soft": gettext_noop("Every two answers, with a score"),
    "verl": gettext_noop("Prompts for verl"),
}


def configs() -> Iterator[tuple[str, str]]:
    """Each by its name, those that most people want first."""
    for name in sorted(FORMATS.choices(), key=list(CONFIGS).index):
        title, about = CONFIGS[name]
        yield name, f"{gettext(title)} ({name}): {gettext(about)}"


def of_programs() -> Iterator[tuple[str, str]]:
    for name in RENDERINGS.choices():
        about = gettext(RENDERINGS.load(name).about).replace("`", "")  # marks for the data card
        yield name, f"{gettext(OF_PROGRAMS[name])} ({name}): {about}"
