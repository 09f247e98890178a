"""Where and how a model is trained: devices, precision, adapters, the shares of several processes.

accelerate does the work; one process or many, the code of the ways of training is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import torch
from accelerate import Accelerator, DistributedDataParallelKwargs

from generation.checkpoints import CannotLoad
from generation.devices import has_bfloat16
from generation.types import Model
from training.options import AUTO, BFLOAT16, Common

Item = TypeVar("Item")
M = TypeVar("M", bound=Model)
TASKS = {"policy": "CAUSAL_LM", "reward": "SEQ_CLS"}


def accelerator_for(settings: Common) -> Accelerator:
    """On CUDA where it is there, else on the CPU: training is written for these two."""
    cuda = torch.cuda.is_available()
    has_half = torch.cuda.is_bf16_supported() if cuda else has_bfloat16()
    half = settings.precision == BFLOAT16 or (settings.precision == AUTO and has_half)
    # Buffers are the same everywhere: broadcasting them would make every process wait for the others' forward passes.
    same = DistributedDataParallelKwargs(broadcast_buffers=False)
    return Accelerator(mixed_precision="bf16" if half else "no", cpu=not cuda, kwargs_handlers=[same])


def adapted(model: M, settings: Common, kind: str) -> M:
    """The model with adapters and checkpointing where they are asked for.

    Raises:
        CannotLoad: adapters need peft.
    """
    any_model: Any = model
    if settings.gradient_checkpointing:
        enable = getattr(any_model, "activation_checkpointing_enable", None) or any_model.gradient_checkpointing_enable
        enable()
    if settings.trained_layers:
        _freeze_below(any_model, settings.trained_layers)
    if settings.lora_rank:
        try:
            peft: Any = import_module("peft")
        except ImportError:
            raise CannotLoad("--lora-rank needs peft: pip install peft") from None
        config = peft.LoraConfig(
            r=settings.lora_rank, lora_alpha=2 * settings.lora_rank, target_modules="all-linear", task_type=TASKS[kind]
        )
        any_model = peft.get_peft_model(any_model, config)
    adapted_model: M = any_model
    return adapted_model


def _freeze_below(model: Any, layers: int) -> None:
    """Leave only the upper `layers` of a model to be trained, and what stands above them; not the word vectors."""
    stack = model.base_model.layers
    if not 1 <= layers <= len(stack):
        raise CannotLoad(f"The model has {len(stack)} layers; {layers} were to be trained.")
    for frozen in (model.get_input_embeddings(), *stack[: len(stack) - layers]):
        frozen.requires_grad_(False)


def save_weights(accelerator: Accelerator, model: object) -> Callable[[Path], None]:
    """What writes the model's weights, adapters merged; every process asks for it, one calls it."""
    bare: Any = accelerator.unwrap_model(model)
    options = {}
    if hasattr(bare, "merge_and_unload"):
        bare = bare.merge_and_unload()
    elif accelerator.distributed_type.name in ("FSDP", "DEEPSPEED"):  # they lie scattered over the devices
        options = {"state_dict": accelerator.get_state_dict(model)}

    def write(folder: Path) -> None:
        bare.save_pretrained(folder, **options)

    return write


def share(items: Sequence[Item], accelerator: Accelerator) -> list[Item]:
    """This process's part of a batch."""
    return list(items[accelerator.process_index :: accelerator.num_processes])


def chunks(items: Sequence[Item], size: int) -> list[Sequence[Item]]:
    """At most `size` at a time; 0: all at once."""
    size = size or max(1, len(items))
    return [items[start : start + size] for start in range(0, len(items), size)]


def total(accelerator: Accelerator, *values: float) -> list[float]:
    """Sums over all processes."""
    if accelerator.num_processes == 1:
        return list(values)
    summed: Any = accelerator.reduce(torch.tensor(values, dtype=torch.float64, device=accelerator.device), "sum")
    return [float(value) for value in summed]


def copied(parameters: Sequence[torch.nn.Parameter]) -> list[torch.Tensor]:
    """Their values now, in the machine's own memory."""
    return [parameter.detach().to("cpu", copy=True) for parameter in parameters]


def put_back(parameters: Sequence[torch.nn.Parameter], values: Sequence[torch.Tensor]) -> None:
    with torch.no_grad():
        for parameter, value in zip(parameters, values, strict=True):
            parameter.copy_(value)
