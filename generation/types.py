"""What we use of a transformers model and its tokenizer, as protocols. Imports no transformers.

The library's own classes differ from architecture to architecture; these name what all of them have.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import torch

from common.shapes import Json, Message


class AddedToken(Protocol):
    content: str
    special: bool


class Tokenizer(Protocol):
    chat_template: str | dict[str, str] | None
    eos_token: str | None
    eos_token_id: int | None
    pad_token: str | None
    pad_token_id: int | None

    @property
    def all_special_tokens(self) -> list[str]: ...

    @property
    def added_tokens_decoder(self) -> Mapping[int, AddedToken]: ...

    def __call__(self, text: str, *, add_special_tokens: bool) -> Mapping[str, list[int]]: ...

    def decode(self, token_ids: list[int], *, skip_special_tokens: bool = False) -> str: ...

    def apply_chat_template(
        self,
        conversation: list[Message],
        *,
        chat_template: str | None = None,
        tokenize: bool,
        add_generation_prompt: bool = False,
        **arguments: Json,
    ) -> str: ...

    def convert_ids_to_tokens(self, ids: list[int]) -> list[str]: ...

    def save_pretrained(self, save_directory: str | Path) -> object: ...


class Config(Protocol):
    """Of a model. What not every architecture has is asked for with `getattr`."""

    architectures: Sequence[str] | None
    num_hidden_layers: int
    num_attention_heads: int
    hidden_size: int
    num_labels: int
    pad_token_id: int | None
    layer_types: list[str]  # only where layers are of several kinds

    def get_text_config(self) -> Config: ...


class GenerationConfig(Protocol):
    eos_token_id: int | list[int] | None


class Output(Protocol):
    logits: torch.Tensor
    loss: torch.Tensor | None


class Embeddings(Protocol):
    def requires_grad_(self, requires_grad: bool = True) -> object: ...


class Model(Protocol):
    """Of any kind: one that predicts tokens, or one with a number as its output."""

    device: torch.device
    config: Config

    def __call__(self, **tensors: object) -> Output: ...

    def parameters(self) -> Iterable[torch.nn.Parameter]: ...

    def get_input_embeddings(self) -> Embeddings: ...

    def train(self) -> object: ...

    def eval(self) -> object: ...

    def save_pretrained(self, save_directory: str | Path) -> object: ...


class LanguageModel(Model, Protocol):
    """One that predicts tokens."""

    generation_config: GenerationConfig
