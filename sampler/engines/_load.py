"""Loading a checkpoint for the hf engine: its model, its tokenizer, and what limits a batch of it."""

from __future__ import annotations

import gc
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
import transformers

from generation.checkpoints import CannotLoad, weight_files, weights_hash
from generation.devices import SEVERAL, best_device, best_dtype, cache_tokens
from generation.loading import end_tokens, layer_kinds, silence_progress
from generation.types import Config, LanguageModel, Tokenizer
from sampler.engines._entries import Thinking
from sampler.engines.base import Provenance, Spec

THINKING = (("<think>", "</think>"), ("<|START_THINKING|>", "<|END_THINKING|>"), ("[THINK]", "[/THINK]"))
KNOWN_LAYERS = {"full_attention", "sliding_attention"}


@dataclass
class Loaded:
    model: LanguageModel
    tokenizer: Tokenizer
    ends: frozenset[int]  # tokens that end a turn
    thinks: Thinking | None  # of a reasoning model
    context_limit: int
    window: int | None  # of layers that see only so many tokens back
    mixed: bool  # whether others beside them see everything
    memory_bytes: int
    cache_tokens: int  # keys and values that fit into the memory that is left
    provenance: Provenance

    def decode(self, ids: list[int]) -> str:
        return self.tokenizer.decode(ids, skip_special_tokens=True)

    def special_tokens(self) -> list[str]:
        added = [token.content for token in self.tokenizer.added_tokens_decoder.values() if token.special]
        return sorted({*self.tokenizer.all_special_tokens, *added})

    def close(self) -> None:
        del self.model
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


@dataclass(frozen=True)
class Source:
    """Where transformers reads the checkpoint from."""

    where: str
    options: dict[str, str]  # revision, or the GGUF file
    files: list[Path]  # of weights; empty for a name on the hub


def load(spec: Spec) -> Loaded:
    """The model on the best device there is.

    Raises:
        CannotLoad: why, for the operator.
    """
    device = best_device()
    dtype = best_dtype(device)
    source = find(spec)
    silence_progress()
    try:
        model, tokenizer, config = _read(source, dtype, device)
    except torch.OutOfMemoryError as error:
        raise CannotLoad(f"It does not fit into the memory of {device}: {SEVERAL} ({error})") from error
    except (OSError, ValueError, ImportError, KeyError, RuntimeError) as error:
        raise CannotLoad(f"{type(error).__name__}: {error}") from error
    text_config = config.get_text_config()
    kinds = layer_kinds(text_config)
    commit: str = getattr(config, "_commit_hash", "") or ""
    return Loaded(
        model=model,
        tokenizer=tokenizer,
        ends=end_tokens(model, tokenizer),
        thinks=thinking_tokens(tokenizer),
        context_limit=int(getattr(text_config, "max_position_embeddings", 0) or 2048),
        window=getattr(text_config, "sliding_window", None) if "sliding_attention" in kinds else None,
        mixed=len(kinds) > 1,
        memory_bytes=sum(p.numel() * p.element_size() for p in model.parameters()),
        cache_tokens=cache_tokens(text_config, dtype, device),
        provenance=Provenance(
            engine="hf",
            weights_hash=weights_hash(source.files) if source.files else commit,
            template_hash="",
            versions={"transformers": transformers.__version__, "torch": torch.__version__},
            device=str(device),
            dtype=str(dtype).removeprefix("torch."),
        ),
    )


def find(spec: Spec) -> Source:
    """The folder, GGUF file or name on the hub that a spec means.

    Raises:
        CannotLoad: there is no such folder, or no weights in it.
    """
    folder = Path(spec.location).expanduser()
    if folder.is_absolute() and not folder.exists():
        raise CannotLoad(f"There is no {spec.location} on this worker's machine.")
    files = weight_files(folder) if folder.exists() else []
    if folder.is_dir() and not files:
        raise CannotLoad(f"{spec.location} holds no weights as safetensors or GGUF.")
    if files and files[0].suffix == ".gguf":
        return Source(str(files[0].parent), {"gguf_file": files[0].name}, files)
    return Source(spec.location, {"revision": spec.revision} if spec.revision else {}, files)


def _read(source: Source, dtype: torch.dtype, device: torch.device) -> tuple[LanguageModel, Tokenizer, Config]:
    library: Any = import_module("transformers")
    options = {"trust_remote_code": False, **source.options}
    config: Config = library.AutoConfig.from_pretrained(source.where, **options)
    unknown = layer_kinds(config.get_text_config()) - KNOWN_LAYERS
    if unknown:
        raise CannotLoad(
            f"Its layers ({', '.join(sorted(unknown))}) are not attention layers that can share a "
            "running batch: serve it with vLLM or `transformers serve` and use the openai engine."
        )
    if rope_kind(config.get_text_config()) == "longrope":
        raise CannotLoad(
            "Its position encoding (longrope) is scaled by the longest row of a batch, so that a long prompt would "
            "change the texts beside it: serve it with vLLM and use the openai engine."
        )
    tokenizer: Tokenizer = library.AutoTokenizer.from_pretrained(source.where, **options)
    safetensors = None if "gguf_file" in options else True
    model = library.AutoModelForCausalLM.from_pretrained(
        source.where, dtype=dtype, use_safetensors=safetensors, **options
    )
    model = model.to(device).eval()
    model.requires_grad_(False)
    return model, tokenizer, config


def rope_kind(config: Config) -> str:
    """Of the position encoding; empty where the configuration names none."""
    rope = getattr(config, "rope_parameters", None) or getattr(config, "rope_scaling", None)
    return str(rope.get("rope_type") or rope.get("type") or "") if isinstance(rope, dict) else ""


def thinking_tokens(tokenizer: Tokenizer) -> Thinking | None:
    """Those of a tokenizer that has a pair of them, each a token of its own."""
    for opens, closes in THINKING:
        ids = [tokenizer(mark, add_special_tokens=False)["input_ids"] for mark in (opens, closes)]
        if all(len(one) == 1 for one in ids):
            found = Thinking(ids[0][0], ids[1][0])
            unknown = getattr(tokenizer, "unk_token_id", None)
            if found.opens != found.closes and unknown not in found:
                return found
    return None


def memory_needed(spec: Spec) -> int:
    """Bytes of the weight files: near enough to what loading takes."""
    folder = Path(spec.location).expanduser()
    return sum(f.stat().st_size for f in weight_files(folder)) if folder.exists() else 0
