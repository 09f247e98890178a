"""Models of well-known shapes with random weights, for machines to which no weights can be brought.

How fast a model runs hangs on its shape; what it says means nothing here. Every token is readable text. Imports none
of our code.
"""

from __future__ import annotations

import itertools
import string
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


@dataclass(frozen=True)
class Shape:
    kind: str  # of transformers' classes
    vocabulary: int
    hidden: int
    inner: int
    layers: int
    heads: int
    kv_heads: int
    spread: float  # of the random weights; wide ones make a next token that stands out
    context: int = 8192


SHAPES = {
    "tiny": Shape("Llama", 512, 64, 128, 2, 4, 2, spread=0.3, context=2048),
    "SmolLM2-135M": Shape("Llama", 49_152, 576, 1536, 30, 9, 3, spread=0.04),
    "Qwen2.5-1.5B": Shape("Qwen2", 151_936, 1536, 8960, 28, 12, 2, spread=0.02),
}


def save(folder: Path, name: str, *, device: str = "cpu", dtype: torch.dtype = torch.float32) -> str:
    """Write a model of that shape, and a tokenizer, to `folder`."""
    shape = SHAPES[name]
    library: Any = import_module("transformers")
    tokenizer = _tokenizer(library, shape.vocabulary)
    tokenizer.save_pretrained(folder)
    config = getattr(library, f"{shape.kind}Config")(
        vocab_size=shape.vocabulary, hidden_size=shape.hidden, intermediate_size=shape.inner,
        num_hidden_layers=shape.layers, num_attention_heads=shape.heads, num_key_value_heads=shape.kv_heads,
        max_position_embeddings=shape.context, initializer_range=shape.spread, tie_word_embeddings=True,
        eos_token_id=tokenizer.eos_token_id, bos_token_id=tokenizer.bos_token_id, dtype=dtype,
    )  # fmt: skip
    torch.manual_seed(5)
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            model = getattr(library, f"{shape.kind}ForCausalLM")(config)
    finally:
        torch.set_default_dtype(before)
    model.save_pretrained(folder)
    return str(folder)


def _tokenizer(library: Any, size: int) -> Any:
    """Printable ASCII by the letter, and made-up words that only the model says."""
    pieces: Any = import_module("tokenizers")
    letters = [*string.digits, *string.ascii_letters, *string.punctuation, "Ġ", "Ċ"]
    names = (
        "Ġ" + "".join(name)
        for length in itertools.count(2)
        for name in itertools.product(string.ascii_lowercase, repeat=length)
    )
    words = list(itertools.islice(names, size - len(letters) - 2))
    inner = pieces.Tokenizer(pieces.models.BPE(vocab={t: i for i, t in enumerate([*letters, *words])}, merges=[]))
    inner.pre_tokenizer = pieces.pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = pieces.decoders.ByteLevel()
    tokenizer = library.PreTrainedTokenizerFast(
        tokenizer_object=inner, bos_token="<|im_start|>", eos_token="<|im_end|>", pad_token="<|im_end|>"
    )
    tokenizer.chat_template = CHATML
    return tokenizer
