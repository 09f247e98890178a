"""Where a turn's text comes from, in words: own, or a model's, kept as it was or edited."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext, gettext_noop

from labeling import edits
from labeling.models import Turn

FOR_REVIEWERS = {"verbatim": gettext_noop("%(model)s, verbatim"), "edited": gettext_noop("%(model)s, edited")}
WORDS = {
    "own": gettext_noop("own words"), "verbatim": gettext_noop("from a suggestion, verbatim"),
    "model": gettext_noop("written by the model"), "given": gettext_noop("given"),
}  # fmt: skip


@dataclass(frozen=True)
class Provenance:
    """`kind` is own, verbatim, edited (by `percent`), model (its own turn in a chat) or given (of a prompt)."""

    kind: str
    percent: int = 0

    @property
    def words(self) -> str:
        """For the trainer."""
        if self.kind == "edited":
            return gettext("from a suggestion, edited (%(percent)s %%)") % {"percent": self.percent}
        return gettext(WORDS[self.kind])


def provenance(turn: Turn) -> Provenance:
    if turn.completion is None:
        return Provenance("own")
    if edits.is_verbatim(turn.completion.text, turn.text):
        return Provenance("verbatim")
    return Provenance("edited", max(1, round(100 * edits.edit_share(turn.completion.text, turn.text))))


def for_reviewers(turn: Turn, *, named: bool = True) -> str:
    """The same, with the model's name, which trainers are not shown, nor reviewers who may yet rank its answer."""
    source = provenance(turn)
    if turn.completion is None:
        return source.words
    name = (turn.completion.model_name if named else "") or gettext("a model")
    return gettext(FOR_REVIEWERS[source.kind]) % {"model": name}
