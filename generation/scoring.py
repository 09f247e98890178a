"""Conversations as token batches, and their scores: the same for training and for use, so that a reward
model is never asked about a text in another form than it learned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from sampler.classifiers.base import CannotLoad, Conversation

MAX_LENGTH = 1024  # tokens of a conversation; TRL's default too


def load_tokenizer(location: str, revision: str = "") -> Any:
    """The checkpoint's own tokenizer, with its own chat template and something to pad with.

    Raises:
        CannotLoad: no template, so nobody knows what form the model learned.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(location, revision=revision or "main")
    except (OSError, ValueError) as error:
        raise CannotLoad(f"No tokenizer at {location!r}: {str(error).splitlines()[0]}") from None
    if not tokenizer.chat_template:
        raise CannotLoad(f"The tokenizer at {location!r} has no chat template: conversations cannot be rendered.")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def encode(tokenizer: Any, conversation: Conversation) -> list[int]:
    """Token ids under the tokenizer's own template."""
    text = tokenizer.apply_chat_template(list(conversation), tokenize=False)
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def score(model: Any, encoded: Sequence[Sequence[int]], pad: int) -> torch.Tensor:
    """One number for each sequence of token ids; padded on the right, which a causal model does not see."""
    longest = max(len(ids) for ids in encoded)
    ids = torch.full((len(encoded), longest), pad, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, tokens in enumerate(encoded):
        ids[row, : len(tokens)] = torch.tensor(tokens)
        mask[row, : len(tokens)] = 1
    ids, mask = ids.to(model.device), mask.to(model.device)
    return model(input_ids=ids, attention_mask=mask, use_cache=False).logits.squeeze(-1).float()


def fitting(limit: int | None) -> int:
    """Tokens of a conversation that a model with this context is given."""
    return min(MAX_LENGTH, limit or MAX_LENGTH)


def quiet(threads: int | None = None) -> None:
    """For a command line: our own progress instead of the libraries' bars and load reports."""
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    if threads:
        torch.set_num_threads(threads)
