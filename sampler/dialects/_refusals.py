"""Refusals that any server may pass on: those of chat templates, and those of the protocol that all of them copy.

The words of templates were read in the templates themselves (Gemma 2, Gemma 3, Mistral 7B v0.1 to v0.3, Llama 2) and in
issues vllm-project/vllm#6862, microsoft/autogen#1037 and suitenumerique/conversations#197, on 2026-11-25. Servers pass
them on with status 400, llama.cpp with 500 and "Jinja Exception:" before them.
"""

from __future__ import annotations

from sampler.dialects.base import Meaning, Refusal

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
