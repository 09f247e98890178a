"""llama.cpp: its own `llama-server`, and the server of llama-cpp-python, which reads the same names.

Read on 2026-11-25 in abetlen/llama-cpp-python: `llama_cpp/server/types.py` (at 10732af5: defaults temperature 0.8,
top_p 0.95, min_p 0.05, top_k 40, repeat_penalty 1.1; `n` is "ignored or currently unsupported"; top_k at least 0, where
llama.cpp's own sampler takes 0 for off), `errors.py` (the words of a prompt that is too long), and in
ggml-org/llama.cpp: `tools/server/README.md` (`/apply-template`, `repeat_penalty`, defaults temperature 0.8, top_k 40,
top_p 0.95, min_p 0.05, repeat_penalty 1.0) and the error object `exceed_context_size_error` with
`n_prompt_tokens` and `n_ctx`.
"""

from __future__ import annotations

from sampler.dialects.base import Dialect, Meaning, Raw, Refusal, Seeds, Spelling

DIALECT = Dialect(
    name="llamacpp",
    title="llama.cpp",
    spellings={
        "temperature": Spelling("temperature", None, "0.8"),
        "top_p": Spelling("top_p", 1.0, "0.95"),
        "top_k": Spelling("top_k", 0, "40"),
        "min_p": Spelling("min_p", 0.0, "0.05"),
        "repetition_penalty": Spelling("repeat_penalty", 1.0, "1.1 in llama-cpp-python, 1 in llama-server"),
        "presence_penalty": Spelling("presence_penalty", 0.0, "off"),
        "frequency_penalty": Spelling("frequency_penalty", 0.0, "off"),
        "logit_bias": Spelling("logit_bias", None, "none"),
    },
    seeds=Seeds.PER_REQUEST,
    options={"logprobs": True, "stream_options": {"include_usage": True}},
    raw=Raw.APPLY_TEMPLATE,
    template_arguments=True,
    owners=("llamacpp", "me"),
    sign=("/props", "default_generation_settings"),
    tokenizer="/props",
    refusals=(
        Refusal(
            Meaning.TOO_LONG,
            r"request \((?P<prompt>\d+) tokens\) exceeds the available context size \((?P<limit>\d+) tokens\)",
            (400, 500),
        ),
        Refusal(
            Meaning.TOO_LONG,
            r"exceeds the available context size.* n_prompt_tokens=(?P<prompt>\d+) n_ctx=(?P<limit>\d+)",
            (400, 500),
        ),
        Refusal(
            Meaning.TOO_LONG,
            r"requested tokens \((?P<prompt>\d+)\) exceed context window of (?P<limit>\d+)",
            (400, 500),
        ),
        Refusal(Meaning.TOO_LONG, r"context size|context window", (400, 500), "exceed_context_size_error"),
        Refusal(
            Meaning.PARAMETER, r"(?P<name>logprobs) is not supported for models created with logits_all", (400, 500)
        ),
    ),
)
