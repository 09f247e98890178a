"""Loading a checkpoint for the hf engine: device, data type, hashes, limits."""

from __future__ import annotations

import gc
import hashlib
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from sampler.engines.base import CannotLoad, Spec

logger = logging.getLogger(__name__)
WEIGHTS = ("*.safetensors", "*.gguf")
KNOWN_LAYERS = {"full_attention", "sliding_attention"}


@dataclass
class Loaded:
    model: Any
    tokenizer: Any
    ends: frozenset[int]  # tokens that end a turn
    context_limit: int
    window: int | None  # of layers that see only so many tokens back
    mixed: bool  # whether others beside them see everything
    memory_bytes: int
    cache_tokens: int  # keys and values that fit into the memory that is left
    facts: dict[str, Any]

    def decode(self, ids: list[int]) -> str:
        return str(self.tokenizer.decode(ids, skip_special_tokens=True))

    def close(self) -> None:
        self.model = None
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def load(spec: Spec) -> Loaded:
    device = best_device()
    dtype = best_dtype(device)
    where = spec.location
    options: dict[str, Any] = {"revision": spec.revision} if spec.revision else {}
    folder = Path(where).expanduser()
    if folder.is_absolute() and not folder.exists():
        raise CannotLoad(f"There is no {where} on this worker's machine.")
    files = weight_files(folder) if folder.exists() else []
    if folder.is_dir() and not files:
        raise CannotLoad(f"{where} holds no weights as safetensors or GGUF.")
    if files and files[0].suffix == ".gguf":
        where, options = str(files[0].parent), {"gguf_file": files[0].name}
    transformers.utils.logging.disable_progress_bar()
    try:
        config = AutoConfig.from_pretrained(where, trust_remote_code=False, **options)
        text_config = config.get_text_config()
        kinds = layer_kinds(text_config)
        if kinds - KNOWN_LAYERS:
            raise CannotLoad(
                f"Its layers ({', '.join(sorted(kinds - KNOWN_LAYERS))}) are not attention layers that can share a "
                "running batch: serve it with vLLM or `transformers serve` and use the openai engine."
            )
        tokenizer = AutoTokenizer.from_pretrained(where, trust_remote_code=False, **options)
        model: Any = AutoModelForCausalLM.from_pretrained(
            where, trust_remote_code=False, dtype=dtype, use_safetensors=True if "gguf_file" not in options else None,
            **options,
        )  # fmt: skip
        model = model.to(device).eval()
    except (OSError, ValueError, ImportError, KeyError, RuntimeError) as error:
        raise CannotLoad(f"{type(error).__name__}: {error}") from error
    model.requires_grad_(False)
    weights = sum(p.numel() * p.element_size() for p in model.parameters())
    facts = {
        "engine": "hf",
        "weights_hash": weights_hash(files) if files else str(getattr(config, "_commit_hash", "") or ""),
        "versions": {"transformers": transformers.__version__, "torch": torch.__version__},
        "device": str(device),
        "dtype": str(dtype).removeprefix("torch."),
    }
    return Loaded(
        model=model,
        tokenizer=tokenizer,
        ends=end_tokens(model, tokenizer),
        context_limit=int(getattr(text_config, "max_position_embeddings", 0) or 2048),
        window=getattr(text_config, "sliding_window", None) if "sliding_attention" in kinds else None,
        mixed=len(kinds) > 1,
        memory_bytes=weights,
        cache_tokens=cache_tokens(text_config, dtype, device),
        facts=facts,
    )


def layer_kinds(config: Any) -> set[str]:
    """Kinds of layers. Older kinds of configuration only name a window, which then is every layer's."""
    kinds = getattr(config, "layer_types", None)
    if kinds:
        return set(kinds)
    return {"sliding_attention" if getattr(config, "sliding_window", None) else "full_attention"}


def best_device() -> torch.device:
    """CUDA, else Apple's GPU, else the CPU; SAMPLER_DEVICE overrides."""
    if wanted := os.environ.get("SAMPLER_DEVICE"):
        return torch.device(wanted)
    if torch.cuda.is_available():
        index = int(os.environ.get("SAMPLER_DEVICE_INDEX") or 0)  # set by `sampler --concurrency`
        return torch.device("cuda", index % torch.cuda.device_count())
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def best_dtype(device: torch.device) -> torch.dtype:
    """16 bits where the device calculates with them, else 32; SAMPLER_DTYPE overrides."""
    if wanted := os.environ.get("SAMPLER_DTYPE"):
        dtype = getattr(torch, wanted, None)
        if not isinstance(dtype, torch.dtype):
            raise CannotLoad(f"SAMPLER_DTYPE is {wanted!r}: it takes float32, bfloat16 or float16.")
        return dtype
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    if device.type == "mps":
        return torch.float16
    native = (
        getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)()
        or getattr(torch.cpu, "_is_amx_tile_supported", lambda: False)()
    )
    return torch.bfloat16 if native else torch.float32


def weight_files(folder: Path) -> list[Path]:
    if folder.is_file():
        return [folder]
    for pattern in WEIGHTS:
        if files := sorted(folder.glob(pattern)):
            return files
    return []


def weights_hash(files: list[Path]) -> str:
    """SHA-256 over the weight files' names and bytes; the same checkpoint has the same hash on every worker."""
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.name.encode() + b"\0")
        with path.open("rb") as file:
            while block := file.read(1 << 22):
                digest.update(block)
    return digest.hexdigest()


def end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    ids = model.generation_config.eos_token_id
    found = set(ids if isinstance(ids, list) else [] if ids is None else [ids])
    if tokenizer.eos_token_id is not None:
        found.add(tokenizer.eos_token_id)
    return frozenset(found)


def cache_tokens(config: Any, dtype: torch.dtype, device: torch.device) -> int:
    """How many tokens' keys and values fit into half of the memory that is left."""
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    per_token = 2 * config.num_hidden_layers * heads * size * torch.finfo(dtype).bits // 8
    return max(4096, free_memory(device) // 2 // per_token)


def free_memory(device: torch.device) -> int:
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def total_memory(device: torch.device) -> int:
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[1])
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory())
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def memory_needed(spec: Spec) -> int:
    """Bytes of the weight files: near enough to what loading takes."""
    folder = Path(spec.location).expanduser()
    return sum(f.stat().st_size for f in weight_files(folder)) if folder.exists() else 0
