"""Checkpoints become models and tokenizers. No code of a checkpoint is ever run.

Weights are safetensors; the hf engine also reads GGUF (`sampler/engines/_load.py`).
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from generation.checkpoints import CannotLoad
from generation.types import Config, LanguageModel, Model, Tokenizer


def load_tokenizer(location: str, revision: str = "") -> Tokenizer:
    """The checkpoint's own tokenizer, with its own chat template and something to pad with.

    Raises:
        CannotLoad: no template, so nobody knows what form the model learned.
    """
    tokenizer = load_text_tokenizer(location, revision)
    if not tokenizer.chat_template:
        raise CannotLoad(f"The tokenizer at {location!r} has no chat template: conversations cannot be rendered.")
    return tokenizer


def load_text_tokenizer(location: str, revision: str = "") -> Tokenizer:
    """The checkpoint's own tokenizer, for texts that are no conversation, with something to pad with.

    Raises:
        CannotLoad: there is none, or it cannot be read.
    """
    try:
        tokenizer: Tokenizer = _library().AutoTokenizer.from_pretrained(location, revision=revision or "main")
    except (OSError, ValueError) as error:
        raise CannotLoad(f"No tokenizer at {location!r}: {first_line(error)}") from None
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_config(location: str, revision: str = "") -> Config:
    """The checkpoint's configuration.

    Raises:
        CannotLoad: there is none, or it cannot be read.
    """
    try:
        config: Config = _library().AutoConfig.from_pretrained(location, revision=revision or "main")
    except (OSError, ValueError) as error:
        raise CannotLoad(f"No model at {location!r}: {first_line(error)}") from None
    return config


def load_policy(base: str, device: torch.device) -> LanguageModel:
    """A language model in 32 bits, to be trained further.

    Raises:
        CannotLoad: with a sentence.
    """
    try:
        model: LanguageModel = (
            _library().AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32, use_safetensors=True).to(device)
        )
    except (OSError, ValueError) as error:
        raise CannotLoad(f"No model at {base!r}: {first_line(error)}") from None
    return model


def load_reward_model(
    location: str, revision: str = "", *, device: torch.device, config: Config | None = None
) -> Model:
    """A sequence-classification model in 32 bits. With a `config`, a base becomes one of that form.

    Raises:
        CannotLoad: with a sentence.
    """
    options = {} if config is None else {"config": config}
    try:
        model: Model = (
            _library()
            .AutoModelForSequenceClassification.from_pretrained(
                location, dtype=torch.float32, use_safetensors=True, revision=revision or "main", **options
            )
            .to(device)
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise CannotLoad(f"The weights at {location!r} cannot be read: {first_line(error)}") from None
    return model


def load_classifier(location: str, revision: str = "", *, device: torch.device) -> Model:
    """A sequence-classification model in 32 bits with every weight that its form has; none is made up.

    Raises:
        CannotLoad: with a sentence.
    """
    try:
        loaded, told = _library().AutoModelForSequenceClassification.from_pretrained(
            location, dtype=torch.float32, use_safetensors=True, revision=revision or "main", output_loading_info=True
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise CannotLoad(f"The weights at {location!r} cannot be read: {first_line(error)}") from None
    if missing := sorted(told["missing_keys"]):
        raise CannotLoad(f"The weights at {location!r} lack {', '.join(missing[:3])}: it was not trained to classify.")
    model: Model = loaded.to(device)
    return model


def new_reward_model(base: str, layers: int | None, pad: int, device: torch.device) -> Model:
    """The base with one linear output on its last token, cut to its lower `layers`.

    Raises:
        CannotLoad: with a sentence.
    """
    config = load_config(base)
    if layers is not None:
        if not 1 <= layers <= config.num_hidden_layers:
            raise CannotLoad(f"{base!r} has {config.num_hidden_layers} layers; {layers} were asked for.")
        config.num_hidden_layers = layers
        if kinds := getattr(config, "layer_types", None):
            config.layer_types = kinds[:layers]
    config.num_labels = 1
    config.pad_token_id = pad
    try:
        return load_reward_model(base, device=device, config=config)
    except CannotLoad as error:
        raise CannotLoad(f"{base!r} cannot become a reward model: {error}") from None


def end_tokens(model: LanguageModel, tokenizer: Tokenizer) -> frozenset[int]:
    """Those that end a turn."""
    ids = model.generation_config.eos_token_id
    found = set(ids if isinstance(ids, list) else [] if ids is None else [ids])
    if tokenizer.eos_token_id is not None:
        found.add(tokenizer.eos_token_id)
    return frozenset(found)


def layer_kinds(config: Config) -> set[str]:
    """Kinds of layers. Older kinds of configuration only name a window, which then is every layer's."""
    kinds: list[str] | None = getattr(config, "layer_types", None)
    if kinds:
        return set(kinds)
    return {"sliding_attention" if getattr(config, "sliding_window", None) else "full_attention"}


def checkpoint_folder(location: str, revision: str = "") -> Path:
    """The checkpoint's folder on this machine, the hub's cache included."""
    if Path(location).is_dir():
        return Path(location)
    config: str = _library().utils.cached_file(location, "config.json", revision=revision or "main")
    return Path(config).parent


def first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def silence_libraries() -> None:
    """For a command line: our own progress instead of the libraries' bars and load reports."""
    _library().utils.logging.set_verbosity_error()
    silence_progress()


def silence_progress() -> None:
    """For whoever tells the progress of loading in another way, or not at all."""
    _library().utils.logging.disable_progress_bar()


def _library() -> Any:
    """transformers, imported at first use. Its own types name single architectures; ours are in `types.py`."""
    return import_module("transformers")
