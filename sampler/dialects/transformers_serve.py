"""`transformers serve`.

Read on 2026-11-25 in transformers 5.23.0: `cli/serving/chat_completion.py` and `cli/serving/utils.py`. A field outside
the OpenAI schema is refused with 422 "Unexpected fields in the request"; `n`, `logprobs`, `presence_penalty` and
`stream_options` are taken and ignored; `frequency_penalty` is turned into a repetition penalty, so that ours is never
sent; `seed` seeds torch for the whole process, whatever else runs beside it. Without `do_sample` in the model's
generation_config.json every answer is greedy, whatever the temperature. `generation_config`, a JSON string, replaces
the model's own; what it leaves out is filled from the model's (`generation/utils.py`, `_prepare_generation_config`),
so that everything that shapes the draw goes into it, `do_sample` first of all.
"""

from __future__ import annotations

from sampler.dialects.base import Dialect, Meaning, Refusal, Seeds, Spelling

FILLED = "the model's generation_config.json, else off"

DIALECT = Dialect(
    name="transformers_serve",
    title="transformers serve",
    spellings={
        "temperature": Spelling("temperature", None, "the model's generation_config.json, else greedy"),
        "top_p": Spelling("top_p", 1.0, FILLED),
        "top_k": Spelling("top_k", 0, "the model's generation_config.json, else 50"),
        "min_p": Spelling("min_p", 0.0, FILLED),
        "repetition_penalty": Spelling("repetition_penalty", 1.0, FILLED),
        "logit_bias": Spelling("logit_bias", None, "none"),
    },
    wrapped_in="generation_config",
    switch="do_sample",
    seeds=Seeds.NONE,
    template_arguments=True,
    sign=("/openapi.json", "/load_model"),
    refusals=(
        Refusal(Meaning.PARAMETER, r"unexpected fields in the request: \{'(?P<name>\w+)'", (422,)),
        Refusal(Meaning.NO_MODEL, r"server is pinned to", (400,)),
    ),
)
