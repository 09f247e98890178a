"""OpenAI's own service, and any server of which nothing more is known than that it is "OpenAI-compatible".

Read on 2026-11-25 in the types of the `openai` package 3.54.0 (`types/chat/completion_create_params.py`): there is no
top_k, no min_p and no repetition_penalty, so that these are unknown with whatever stands behind the address;
`max_tokens` is deprecated and refused by reasoning models ("Unsupported parameter: 'max_tokens' is not supported with
this model. Use 'max_completion_tokens' instead.", code `unsupported_parameter`; IBM/chuk-llm#3), which also refuse
every temperature but 1 (code `unsupported_value`). `seed` is deprecated and "best effort": it is
sent and not relied on.
"""

from __future__ import annotations

from sampler.dialects.base import Dialect, Meaning, Refusal, Seeds, Spelling

DIALECT = Dialect(
    name="openai",
    title="OpenAI, or a server that is not known",
    spellings={
        "temperature": Spelling("temperature", None, "1"),
        "top_p": Spelling("top_p", 1.0, "1"),
        "presence_penalty": Spelling("presence_penalty", 0.0, "0"),
        "frequency_penalty": Spelling("frequency_penalty", 0.0, "0"),
        "logit_bias": Spelling("logit_bias", None, "none"),
    },
    seeds=Seeds.UNSURE,
    many=True,
    options={"logprobs": True, "stream_options": {"include_usage": True}},
    owners=("openai", "openai-internal", "system"),
    refusals=(
        Refusal(Meaning.LIMIT_NAME, r"max_tokens.*max_completion_tokens", (400,)),
        Refusal(Meaning.PARAMETER, r"['\"](?P<name>\w+)['\"]", (400,), "unsupported_parameter"),
        Refusal(Meaning.PARAMETER, r"['\"](?P<name>\w+)['\"]", (400,), "unsupported_value"),
    ),
)
