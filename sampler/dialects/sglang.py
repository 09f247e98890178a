"""SGLang (`python -m sglang.launch_server`).

Read on 2026-11-25 in sgl-project/sglang: `python/sglang/srt/entrypoints/openai/protocol.py` (at 004c82e0: fields and
`_DEFAULT_SAMPLING_PARAMS`; temperature, top_p, top_k, min_p and repetition_penalty that are missing come from the
model's generation_config.json unless `--sampling-defaults openai`), `serving_tokenize.py` (at 0351c1fa: `/tokenize`
takes a prompt, not messages, so that the text under the template is not to be had from it), and
docs.sglang.io/docs/advanced_features/deterministic_inference (a seed is honoured only with
`--enable-deterministic-inference`; the samples of one request share it, so that each is asked for alone).
Too long: QwenLM/Qwen3#1321 ("The input (61709 tokens) is longer than the model's context length (40960 tokens)") and
`tokenizer_manager.py` ("Requested token count exceeds the model's maximum context length of ...").
"""

from __future__ import annotations

from sampler.dialects.base import Dialect, Meaning, Refusal, Seeds, Spelling

FILLED = "the model's generation_config.json, else off"

DIALECT = Dialect(
    name="sglang",
    title="SGLang",
    spellings={
        "temperature": Spelling("temperature", None, "the model's generation_config.json, else 1"),
        "top_p": Spelling("top_p", 1.0, FILLED),
        "top_k": Spelling("top_k", -1, FILLED),
        "min_p": Spelling("min_p", 0.0, FILLED),
        "repetition_penalty": Spelling("repetition_penalty", 1.0, FILLED),
        "presence_penalty": Spelling("presence_penalty", 0.0, "off"),
        "frequency_penalty": Spelling("frequency_penalty", 0.0, "off"),
        "logit_bias": Spelling("logit_bias", None, "none"),
    },
    seeds=Seeds.PER_REQUEST,
    options={"logprobs": True, "stream_options": {"include_usage": True}, "return_prompt_token_ids": True},
    template_arguments=True,
    owners=("sglang",),
    sign=("/get_model_info", "model_path"),
    refusals=(
        Refusal(
            Meaning.TOO_LONG,
            r"input \((?P<prompt>\d+) tokens\) is longer than the model's context length \((?P<limit>\d+) tokens\)",
        ),
        Refusal(
            Meaning.TOO_LONG,
            r"maximum context length of (?P<limit>\d+) tokens.*total of (?P<total>\d+) tokens: (?P<prompt>\d+) tokens "
            r"from the input messages and (?P<answer>\d+) tokens",
        ),
        Refusal(
            Meaning.TOO_LONG,
            r"input length \((?P<prompt>\d+) tokens\) exceeds the maximum allowed length \((?P<limit>\d+) tokens\)",
        ),
    ),
)
