"""vLLM (`vllm serve`).

Read on 2026-11-25 in vllm-project/vllm: `vllm/entrypoints/openai/chat_completion/protocol.py` (at 002032ee; the
fields of a request; `to_sampling_params`: "user -> server default -> OpenAI default"; `return_token_ids`, whose
`prompt_token_ids` come with the first chunk; the trace of a reasoning model is `reasoning`, in older versions
`reasoning_content`), `vllm/v1/engine/parallel_sampling.py` (at 003d3ee2; sample i of n is drawn with seed + i),
`vllm/sampling_params.py` (top_k of -1 or 0 is off; logprobs are those before temperature unless `--logprobs-mode`
says otherwise). The server's default for what is missing is the model's own generation_config.json, unless it runs
with `--generation-config vllm`.

Too long: three wordings, of 0.5 to 0.8 (in the messages), of 0.9 to 0.11 (`max_tokens` is too large) and of 0.12 and
later (output tokens, at least so many input tokens).
"""

from __future__ import annotations

from sampler.dialects.base import Dialect, Meaning, Raw, Refusal, Seeds, Spelling

FILLED = "the model's generation_config.json, else off"

DIALECT = Dialect(
    name="vllm",
    title="vLLM",
    spellings={
        "temperature": Spelling("temperature", None, "the model's generation_config.json, else 1"),
        "top_p": Spelling("top_p", 1.0, FILLED),
        "top_k": Spelling("top_k", -1, FILLED),
        "min_p": Spelling("min_p", 0.0, FILLED),
        "repetition_penalty": Spelling("repetition_penalty", 1.0, FILLED),
        "presence_penalty": Spelling("presence_penalty", 0.0, FILLED),
        "frequency_penalty": Spelling("frequency_penalty", 0.0, FILLED),
        "logit_bias": Spelling("logit_bias", None, "none"),
    },
    seeds=Seeds.INDEXED,
    many=True,
    options={"logprobs": True, "stream_options": {"include_usage": True}, "return_token_ids": True},
    reasoning=("reasoning", "reasoning_content"),
    reasoning_limit="thinking_token_budget",
    template_arguments=True,
    raw=Raw.TOKENIZE,
    raw_options={"add_special_tokens": False},
    owners=("vllm",),
    sign=("/version", "version"),
    tokenizer="/tokenizer_info",  # with --enable-tokenizer-info-endpoint
    refusals=(
        Refusal(  # of a server without --reasoning-parser or --reasoning-config
            Meaning.PARAMETER, r"(?P<name>thinking_token_budget) is set but reasoning_config is not configured"
        ),
        Refusal(
            Meaning.TOO_LONG,
            r"maximum context length is (?P<limit>\d+) tokens.*requested (?P<answer>\d+) output tokens and your prompt "
            r"contains (?:at least )?(?P<prompt>\d+) input tokens",
        ),
        Refusal(
            Meaning.TOO_LONG,
            r"max_(?:completion_)?tokens.* is too large: (?P<answer>\d+).*maximum context length is (?P<limit>\d+) "
            r"tokens and your request has (?P<prompt>\d+) input tokens",
        ),
        Refusal(
            Meaning.TOO_LONG,
            r"maximum context length is (?P<limit>\d+) tokens.*prompt contains (?:at least )?(?P<prompt>\d+) input "
            r"tokens",
        ),
        Refusal(
            Meaning.TOO_LONG,
            r"prompt \(length (?P<prompt>\d+)\) is longer than the maximum model length of (?P<limit>\d+)",
        ),
    ),
)
