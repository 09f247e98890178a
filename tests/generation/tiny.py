"""A language model of two layers with random weights."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from generation import checkpoints
from generation.loading import load_tokenizer, new_reward_model

WORDS = [
    "and", "amber", "basalt", "cedar", "delta", "ember", "fjord", "grove", "heath", "islet", "jetty", "knoll", "lemon",
    "maple", "north", "otter",
]  # fmt: skip
TEMPLATE = (
    "{% for m in messages %}<s> {{ m['role'] }} {{ m['content'] }} </s>\n{% endfor %}"
    "{% if add_generation_prompt %}<s> assistant {% endif %}"
)


def make_tiny_model(
    folder: Path, *, seed: int = 0, hidden: int = 32, layers: int = 2, vocabulary: int = 0, words: int = len(WORDS)
) -> Path:
    """A Llama of two layers over a vocabulary of whole words (or of more that are never read), as safetensors."""
    library: Any = import_module("transformers")
    pieces: Any = import_module("tokenizers")
    names = ["<pad>", "<unk>", "<s>", "</s>", "system", "user", "assistant", ",", *WORDS[:words]]
    pieces_of = pieces.Tokenizer(pieces.models.WordLevel({name: i for i, name in enumerate(names)}, unk_token="<unk>"))
    pieces_of.pre_tokenizer = pieces.pre_tokenizers.WhitespaceSplit()
    tokenizer = library.PreTrainedTokenizerFast(
        tokenizer_object=pieces_of, pad_token="<pad>", unk_token="<unk>", bos_token="<s>", eos_token="</s>"
    )
    tokenizer.chat_template = TEMPLATE
    torch.manual_seed(seed)
    config = library.LlamaConfig(
        vocab_size=vocabulary or len(names), hidden_size=hidden, intermediate_size=2 * hidden,
        num_hidden_layers=layers, num_attention_heads=max(2, hidden // 64), num_key_value_heads=2,
        max_position_embeddings=128, pad_token_id=0, bos_token_id=2, eos_token_id=3,
    )  # fmt: skip
    library.LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_reward_model(folder: Path, base: Path) -> Path:
    """An untrained reward model on that base."""
    model = new_reward_model(str(base), None, 0, torch.device("cpu"))
    return checkpoints.save(model, load_tokenizer(str(base)), folder, facts={})
