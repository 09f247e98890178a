"""A checkpoint of two layers that reads bytes, with random weights."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import torch

CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
NO_SYSTEM = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}" + CHATML
)


def save(
    folder: Path, *, template: str | None = CHATML, window: int | None = None, mixed: bool = False, seed: int = 3
) -> str:
    """Write it to `folder`. `window`: its layers see only so many tokens back; `mixed`: half of them."""
    library: Any = import_module("transformers")
    tokenizer = _tokenizer(library)
    tokenizer.chat_template = template
    tokenizer.save_pretrained(folder)
    torch.manual_seed(seed)
    sizes = {
        "vocab_size": len(tokenizer), "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 2048,
        "eos_token_id": tokenizer.eos_token_id, "bos_token_id": tokenizer.bos_token_id, "initializer_range": 0.3,
    }  # fmt: skip
    if mixed:
        kinds = ["full_attention", "sliding_attention"]
        config = library.Qwen2Config(**sizes, sliding_window=window, use_sliding_window=True, layer_types=kinds)
        model = library.Qwen2ForCausalLM(config)
    elif window:
        model = library.MistralForCausalLM(library.MistralConfig(**sizes, sliding_window=window))
    else:
        model = library.LlamaForCausalLM(library.LlamaConfig(**sizes))
    model.save_pretrained(folder)
    return str(folder)


def _tokenizer(library: Any) -> Any:
    pieces: Any = import_module("tokenizers")
    letters = sorted(pieces.pre_tokenizers.ByteLevel.alphabet())
    inner = pieces.Tokenizer(pieces.models.BPE(vocab={letter: i for i, letter in enumerate(letters)}, merges=[]))
    inner.pre_tokenizer = pieces.pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = pieces.decoders.ByteLevel()
    return library.PreTrainedTokenizerFast(
        tokenizer_object=inner, bos_token="<|im_start|>", eos_token="<|im_end|>", pad_token="<|im_end|>"
    )
