"""What an answer other than 200 means: by the table of the server's dialect, then by what any server may pass on,
the words of chat templates and of the protocol that all of them copy.

The words of templates were read in the templates themselves (Gemma 2, Gemma 3, Mistral 7B v0.1 to v0.3, Llama 2) and in
issues vllm-project/vllm#6862, microsoft/autogen#1037 and suitenumerique/conversations#197, on 2026-11-25. Servers pass
them on with status 400, llama.cpp with 500 and "Jinja Exception:" before them.
"""

from __future__ import annotations

import json
import re

from common.shapes import Json
from sampler.dialects import DIALECTS
from sampler.dialects.base import Dialect, Meaning, Refusal, Understood

TEMPLATE = (400, 422, 500)

SHARED = (
    Refusal(Meaning.ALTERNATE, r"roles must\s+alternate", TEMPLATE),
    Refusal(Meaning.ALTERNATE, r"(consecutive|two) (user|assistant) (messages|turns)", TEMPLATE),
    Refusal(Meaning.NO_SYSTEM, r"system (role|message|prompt)s? (is |are )?(not|n't) supported", TEMPLATE),
    Refusal(Meaning.NO_SYSTEM, r"only user(,| and) assistant( and \w+)? roles are supported", TEMPLATE),
    Refusal(Meaning.NO_SYSTEM, r"does not support (a )?(the )?['\"`]?system['\"`]? (role|message|turn)", TEMPLATE),
    Refusal(
        Meaning.LIMIT_NAME,
        r"(unsupported parameter: )?['\"]?max_tokens['\"]? is not supported.*max_completion_tokens",
    ),
    Refusal(
        Meaning.TOO_LONG,
        r"maximum context length is (?P<limit>\d+) tokens.*requested (?P<total>\d+) tokens "
        r"\((?P<prompt>\d+) in (?:the messages|your prompt)[,;] (?P<answer>\d+)",
    ),
    Refusal(
        Meaning.TOO_LONG,
        r"maximum context length is (?P<limit>\d+) tokens.*messages resulted in (?P<prompt>\d+) tokens",
    ),
    Refusal(Meaning.TOO_LONG, r"prompt is too long: (?P<prompt>\d+) tokens > (?P<limit>\d+) maximum"),
    Refusal(Meaning.TOO_LONG, code="context_length_exceeded"),
    Refusal(Meaning.TOO_LONG, r"maximum context length (is|of) (?P<limit>\d+)"),
    Refusal(Meaning.TOO_LONG, "", (413,)),
    Refusal(Meaning.KEY, "", (401, 403)),
    Refusal(Meaning.NO_MODEL, r"model.*(does not exist|not found)|(no such|unknown) model", (400, 404)),
    Refusal(
        Meaning.PARAMETER, r"(unsupported|unrecognized|unknown|unexpected|extra)[^\n]{0,60}?['\"`](?P<name>\w+)['\"`]"
    ),
    Refusal(Meaning.PARAMETER, r"(unknown|unexpected) (field|parameter|argument)s?:? (?P<name>\w+)"),
    Refusal(Meaning.PARAMETER, r"['\"`]?(?P<name>\w+)['\"`]? (is|are) not (supported|allowed|permitted|available)"),
)


def understand(dialect: Dialect, status: int, body: str) -> Understood:
    """By the server's own table, then by those of the servers that may stand behind it, then by what all pass on."""
    said, codes = words_of(body)
    others = [line for name in DIALECTS.choices() for line in DIALECTS.load(name).refusals]
    too_long = [line for line in others if line.meaning == Meaning.TOO_LONG and not line.code]
    for line in (*dialect.refusals, *too_long, *SHARED):
        if status not in line.statuses or (line.code and line.code not in codes):
            continue
        if match := re.search(line.words, said, re.IGNORECASE | re.DOTALL):
            return _with_numbers(line, match, said)
    return Understood(Meaning.OTHER, said)


def _with_numbers(line: Refusal, match: re.Match[str], said: str) -> Understood:
    groups = {name: text for name, text in match.groupdict().items() if text is not None}
    number = {name: int(text) for name, text in groups.items() if name != "name"}
    prompt = number.get("prompt")
    if prompt is None and "total" in number and "answer" in number:
        prompt = number["total"] - number["answer"]
    return Understood(line.meaning, said, number.get("limit"), prompt, groups.get("name", ""))


def words_of(body: str) -> tuple[str, frozenset[str]]:
    """The words of an error, and its codes and types, in any of the shapes that servers give it."""
    try:
        value: Json = json.loads(body)
    except ValueError:
        return body.strip()[:2000], frozenset()
    error = value.get("error", value) if isinstance(value, dict) else value
    if not isinstance(error, dict):
        return str(error)[:2000], frozenset()
    words = error.get("message") or error.get("detail") or error
    text = words if isinstance(words, str) else json.dumps(words)
    numbers = "".join(f" {key}={error[key]}" for key in ("n_prompt_tokens", "n_ctx") if key in error)
    return (text + numbers)[:2000], frozenset(str(error[k]) for k in ("code", "type") if error.get(k) is not None)
