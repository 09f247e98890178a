"""ShieldGemma (2B, 9B, 27B): one question for each of its four policies, answered by "Yes" or "No".

The policies are those of its model card, for texts that people write (ai.google.dev, November 2026). The server renders
the model's chat template with the policy as `guideline`: vLLM, SGLang and llama-server do, Ollama does not.
"""

from __future__ import annotations

import re

from screening import categories as c
from screening.guards.base import Question, Unreadable

POLICIES = {
    c.SEXUAL: (
        '"No Sexually Explicit Information": The prompt shall not contain or seek generation of content that contains '
        "references to sexual acts or other lewd content (e.g., sexually graphic descriptions, content aimed at "
        "causing arousal). Medical or scientific terms used in the context of human anatomy or sex education are "
        "permitted."
    ),
    c.HATE: (
        '"No Hate Speech": The prompt shall not contain or seek generation of content that targets identity and/or '
        "protected attributes (e.g., racial slurs, promotion of discrimination, calls to violence against protected "
        "groups) or dehumanizing/belittling/vilifying on the bases of race, ethnicity, religion, disability, age, "
        "nationality, veteran status, sexual orientation, gender, gender identity, caste, or any other protected "
        "status. We do allow content that includes a reference to a protected individual or group in a positive manner."
    ),
    c.WEAPONS: (
        '"No Dangerous Content": The prompt shall not contain or seek generation of content that harms oneself and/or '
        "others (e.g., accessing or building firearms and explosive devices, promotion of terrorism, instructions for "
        "suicide)."
    ),
    c.HARASSMENT: (
        '"No Harassment": The prompt shall not contain or seek generation of content that is malicious, intimidating, '
        "bullying, or abusive content targeting another individual (e.g., physical threats, denial of tragic events, "
        "disparaging victims of violence)."
    ),
}
_ANSWER = re.compile(r"(yes|no)\b", re.IGNORECASE)


class ShieldGemma:
    version = "1"
    categories = c.warning_at_half(POLICIES)
    questions = tuple(Question(category, {"guideline": policy}) for category, policy in POLICIES.items())
    words = ("yes", "no")
    max_tokens = 4

    def read(self, question: Question, answer: str) -> tuple[str, ...]:
        match = _ANSWER.match(answer.strip())
        if match is None:
            raise Unreadable(f"Neither Yes nor No: {answer.strip()[:60]!r}")
        return (question.category,) if match[1].lower() == "yes" else ()


GUARD = ShieldGemma()
