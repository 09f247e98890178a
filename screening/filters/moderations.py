"""Any server with OpenAI's `/v1/moderations`: its categories in our words, its own flags kept as warnings.

Set up by DUOLOGUE_MODERATIONS_URL. Texts leave this machine; what the server keeps of them is between it and you.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

from django.conf import settings

from common.shapes import Json
from screening import categories as c
from screening.endpoint import KeptEndpoint
from screening.filters.base import FilterDown
from screening.windows import Scores, by_window

SIZE, OVERLAP = 6000, 600  # characters of a window; what is up to OVERLAP long stands whole in one
BATCH = 16  # windows of one question
FLAGGED = 0.5  # at least, where the server itself flags: its own limits differ by category

# OpenAI's names, and those that Mistral's endpoint has; whatever a server calls otherwise is "other".
NAMES = {
    "hate": c.HATE, "hate/threatening": c.HATE, "harassment": c.HARASSMENT, "harassment/threatening": c.HARASSMENT,
    "self-harm": c.SELF_HARM, "self-harm/intent": c.SELF_HARM, "self-harm/instructions": c.SELF_HARM,
    "sexual": c.SEXUAL, "sexual/minors": c.CHILDREN, "violence": c.VIOLENCE, "violence/graphic": c.VIOLENCE,
    "illicit": c.CRIME, "illicit/violent": c.CRIME,
    "hate_and_discrimination": c.HATE, "violence_and_threats": c.VIOLENCE, "selfharm": c.SELF_HARM,
    "dangerous_and_criminal_content": c.CRIME, "health": c.ADVICE, "financial": c.ADVICE, "law": c.ADVICE,
    "pii": c.PERSONAL, "jailbreaking": c.JAILBREAK,
}  # fmt: skip


class Moderations:
    fast = False
    in_worker = True
    categories = c.warning_at_half([*dict.fromkeys(NAMES.values()), c.OTHER])

    def __init__(self) -> None:
        self._kept = KeptEndpoint("/moderations", "DUOLOGUE_MODERATIONS_URL")

    @property
    def version(self) -> str:
        server = settings.FILTERS.moderations
        return f"1 {hashlib.sha256(server.model.encode()).hexdigest()[:12]}" if server else "1"

    def score(self, texts: Sequence[str]) -> list[Scores]:
        return by_window(texts, self._ask, size=SIZE, overlap=OVERLAP)

    def _ask(self, pieces: Sequence[str]) -> list[Scores]:
        endpoint = self._kept.for_settings(settings.FILTERS.moderations, timeout=settings.FILTERS.timeout)
        found: list[Scores] = []
        for start in range(0, len(pieces), BATCH):
            batch = list(pieces[start : start + BATCH])
            results = endpoint.post({"model": endpoint.server.model, "input": batch}).get("results")
            if not isinstance(results, list) or len(results) != len(batch):
                raise FilterDown(f"{endpoint.url}: it was asked about {len(batch)} texts and answers about others.")
            found += [read(result) for result in results]
        return found


def read(result: Json) -> Scores:
    """One result in our words.

    Raises:
        FilterDown: it is not one, or says what cannot be.
    """
    if not isinstance(result, dict):
        raise FilterDown("A result of the moderations endpoint is not an object.")
    told, flags, flagged = result.get("category_scores"), result.get("categories", {}), result.get("flagged", False)
    if not isinstance(told, dict) or not told:
        raise FilterDown("A result of the moderations endpoint has no category_scores.")
    if not isinstance(flags, dict) or not isinstance(flagged, bool):
        raise FilterDown("A result of the moderations endpoint has flags that are not true or false.")
    scores = {name: _score(name, told.get(name), flags.get(name)) for name in {**told, **flags}}
    if not any(value is not None for value in scores.values()):
        raise FilterDown("A result of the moderations endpoint has no score at all.")
    found: Scores = {}
    for name, value in scores.items():
        if value is not None:
            category = NAMES.get(name, c.OTHER)
            found[category] = max(found.get(category, 0.0), value)
    if flagged and max(found.values()) < FLAGGED:
        found[c.OTHER] = FLAGGED
    return found


def _score(name: str, value: Json, flag: Json) -> float | None:
    """None: the server has the category and does not judge it for this kind of text."""
    if flag is not None and not isinstance(flag, bool):
        raise FilterDown(f"The moderations endpoint flags {name[:60]!r} with something that is not true or false.")
    if value is None:
        return FLAGGED if flag else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or not 0 <= value <= 1:
        raise FilterDown(f"The moderations endpoint scores {name[:60]!r} with something that is not from 0 to 1.")
    return max(float(value), FLAGGED) if flag else float(value)


FILTER = Moderations()
