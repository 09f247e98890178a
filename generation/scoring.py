"""Conversations as token batches, and their scores: the same for training and for use, so that a reward
model is never asked about a text in another form than it learned."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from common.shapes import Message
from generation.types import Config, Model, Tokenizer

MAX_LENGTH = 1024  # tokens of a conversation; TRL's default too


def encode(tokenizer: Tokenizer, conversation: Sequence[Message]) -> list[int]:
    """Token ids under the tokenizer's own template."""
    text = tokenizer.apply_chat_template(list(conversation), tokenize=False)
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def padded(encoded: Sequence[Sequence[int]], pad: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids and their mask, padded on the right, which a causal model does not see."""
    longest = max(len(ids) for ids in encoded)
    ids = torch.full((len(encoded), longest), pad, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, tokens in enumerate(encoded):
        ids[row, : len(tokens)] = torch.tensor(tokens)
        mask[row, : len(tokens)] = 1
    return ids, mask


def score(model: Model, encoded: Sequence[Sequence[int]], pad: int) -> torch.Tensor:
    """One number for each sequence of token ids, less the centre that the model's configuration names, if any."""
    ids, mask = padded(encoded, pad)
    output = model(input_ids=ids.to(model.device), attention_mask=mask.to(model.device), use_cache=False)
    centre: float = getattr(getattr(model, "config", None), "reward_centre", None) or 0.0
    return output.logits.squeeze(-1).float() - centre


def longest_conversation(config: Config, most: int = MAX_LENGTH) -> int:
    """Tokens of a conversation that a model with this configuration is given."""
    limit: int | None = getattr(config, "max_position_embeddings", None)
    return min(most, limit or most)
