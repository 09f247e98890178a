"""Which device and which data type a model runs with here, and how much memory there is."""

from __future__ import annotations

import os

import torch

from generation.checkpoints import CannotLoad
from generation.types import Config

SEVERAL = "serve it with vLLM (--tensor-parallel-size) and register it with the openai engine: docs/gpu.md."
DEVICE_MAPS = {"auto", "balanced", "balanced_low_0", "sequential"}  # of transformers' device_map


def best_device() -> torch.device:
    """CUDA, else Apple's GPU, else the CPU; SAMPLER_DEVICE overrides.

    Raises:
        CannotLoad: SAMPLER_DEVICE names no single device.
    """
    if wanted := os.environ.get("SAMPLER_DEVICE"):
        if wanted in DEVICE_MAPS or "," in wanted:
            raise CannotLoad(f"SAMPLER_DEVICE is {wanted!r}: a model is not split over devices here; {SEVERAL}")
        try:
            return torch.device(wanted)
        except RuntimeError:
            raise CannotLoad(f"SAMPLER_DEVICE is {wanted!r}: it takes cuda, cuda:1, mps or cpu.") from None
    if torch.cuda.is_available():
        index = int(os.environ.get("SAMPLER_DEVICE_INDEX") or 0)  # set by `sampler --concurrency`
        return torch.device("cuda", index % torch.cuda.device_count())
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def training_device() -> torch.device:
    """CUDA, else the CPU: training is written for these two."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def best_dtype(device: torch.device) -> torch.dtype:
    """16 bits where the device calculates with them, else 32; SAMPLER_DTYPE overrides.

    Raises:
        CannotLoad: SAMPLER_DTYPE names none.
    """
    if wanted := os.environ.get("SAMPLER_DTYPE"):
        dtype = getattr(torch, wanted, None)
        if not isinstance(dtype, torch.dtype):
            raise CannotLoad(f"SAMPLER_DTYPE is {wanted!r}: it takes float32, bfloat16 or float16.")
        return dtype
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    if device.type == "mps":
        return torch.float16
    return torch.bfloat16 if has_bfloat16() else torch.float32


def has_bfloat16() -> bool:
    """Whether this CPU calculates with 16 bits; torch has no public name for the question."""
    tests = (getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    return any(test() for test in tests if test)


def cache_tokens(config: Config, dtype: torch.dtype, device: torch.device) -> int:
    """How many tokens' keys and values fit into half of the memory that is left."""
    heads: int = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    size: int = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
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
