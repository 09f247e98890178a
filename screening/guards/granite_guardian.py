"""Granite Guardian 3.0 to 3.3: one question for each risk, answered by "Yes" or "No", in 3.3 within `<score>`.

The risk goes to the model's chat template as `guardian_config`, named both as 3.0 to 3.2 and as 3.3 call it
(IBM's model cards, November 2026): vLLM, SGLang and llama-server render with it, Ollama does not.
"""

from __future__ import annotations

import re

from screening import categories as c
from screening.guards.base import Question, Unreadable

RISKS = {
    "harm": c.OTHER, "violence": c.VIOLENCE, "sexual_content": c.SEXUAL, "social_bias": c.HATE,
    "unethical_behavior": c.CRIME, "jailbreak": c.JAILBREAK,
}  # fmt: skip
_ANSWER = re.compile(
    r"(?:<think>.*?</think>\s*)?(?:<score>\s*(?P<tagged>yes|no)\s*</score>|(?P<plain>yes|no))"
    r"(?:\s*<confidence>\s*(?:high|low)\s*</confidence>)?",
    re.IGNORECASE | re.DOTALL,
)


class GraniteGuardian:
    version = "1"
    categories = c.warning_at_half(RISKS.values())
    questions = tuple(
        Question(category, {"guardian_config": {"risk_name": risk, "criteria_id": risk}})
        for risk, category in RISKS.items()
    )
    words = ("yes", "no")
    max_tokens = 40

    def read(self, question: Question, answer: str) -> tuple[str, ...]:
        match = _ANSWER.fullmatch(answer.strip())
        if match is None:
            raise Unreadable(f"Neither Yes nor No: {answer.strip()[:60]!r}")
        return (question.category,) if (match["tagged"] or match["plain"]).lower() == "yes" else ()


GUARD = GraniteGuardian()
