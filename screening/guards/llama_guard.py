"""Llama Guard 3 and 4: "safe", or "unsafe" and a line of hazards, S1 to S14.

Form and hazards as on Meta's page of the model (llama.com, November 2026); its chat template writes the question.
"""

from __future__ import annotations

import re

from screening import categories as c
from screening.guards.base import Question, Unreadable

HAZARDS = {
    "S1": c.VIOLENCE, "S2": c.CRIME, "S3": c.SEXUAL, "S4": c.CHILDREN, "S5": c.DEFAMATION, "S6": c.ADVICE,
    "S7": c.PERSONAL, "S8": c.COPYRIGHT, "S9": c.WEAPONS, "S10": c.HATE, "S11": c.SELF_HARM, "S12": c.SEXUAL,
    "S13": c.ELECTIONS, "S14": c.CRIME,
}  # fmt: skip
_UNSAFE = re.compile(r"unsafe(?:\s+(S\d+(?:\s*,\s*S\d+)*))?")


class LlamaGuard:
    version = "1"
    categories = c.warning_at_half([*dict.fromkeys(HAZARDS.values()), c.OTHER])
    questions = (Question(""),)
    words = ("unsafe", "safe")
    max_tokens = 80

    def read(self, question: Question, answer: str) -> tuple[str, ...]:
        said = answer.strip()
        if said == "safe":
            return ()
        match = _UNSAFE.fullmatch(said)
        if match is None:
            raise Unreadable(f"Neither safe nor unsafe: {said[:60]!r}")
        if not match[1]:
            return (c.OTHER,)
        named = [name.strip() for name in match[1].split(",")]
        if unknown := [name for name in named if name not in HAZARDS]:
            raise Unreadable(f"A hazard that Llama Guard does not have: {unknown[0]}")
        return tuple(dict.fromkeys(HAZARDS[name] for name in named))


GUARD = LlamaGuard()
