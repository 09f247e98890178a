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


HARM, CALM = "kill", "sing"  # what the classifier learns to tell apart


def make_classifier(folder: Path, *, labels: tuple[str, ...] = ("calm", "violence", "hate"), many: bool = True) -> Path:
    """A BERT of one layer, trained in seconds: a text with HARM in it has the second label, another the first."""
    library: Any = import_module("transformers")
    pieces: Any = import_module("tokenizers")
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", HARM, CALM, *WORDS]
    inner = pieces.Tokenizer(pieces.models.WordLevel({name: i for i, name in enumerate(names)}, unk_token="[UNK]"))
    inner.pre_tokenizer = pieces.pre_tokenizers.Whitespace()
    inner.post_processor = pieces.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer = library.PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    )
    torch.manual_seed(1)
    config = library.BertConfig(
        vocab_size=len(names), hidden_size=32, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
        max_position_embeddings=64, pad_token_id=0, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
        id2label=dict(enumerate(labels)), label2id={name: i for i, name in enumerate(labels)},
        problem_type="multi_label_classification" if many else "single_label_classification",
    )  # fmt: skip
    model = library.BertForSequenceClassification(config)
    _teach(model, len(names), len(labels), many)
    model.eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _teach(model: Any, words: int, labels: int, many: bool) -> None:
    draw = torch.Generator().manual_seed(1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.0)
    for _ in range(100):
        length = int(torch.randint(4, 63, (1,), generator=draw))
        ids = torch.randint(5, words, (32, length), generator=draw)
        ids[torch.rand(ids.shape, generator=draw) < 0.2] = 1  # unknown words
        ids[:, 0], ids[:, -1] = 2, 3
        harmful = torch.rand(32, generator=draw) < 0.5
        at = torch.randint(1, length - 1, (32,), generator=draw)
        ids[harmful, at[harmful]] = 4
        kinds = torch.nn.functional.one_hot(harmful.long(), labels).float() if many else harmful.long()
        optimizer.zero_grad()
        model(input_ids=ids, labels=kinds).loss.backward()
        optimizer.step()
