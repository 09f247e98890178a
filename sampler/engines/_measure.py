"""How this model is best batched on this device, found out by trying it once after loading.

Two things are measured: how many rows a step should carry, and whether background samples should
join the running batch between any two steps (continuous) or only when the last ones have ended
(static). Interactive samples join at every step either way. The outcome is stored with the model
version, so that only the first load on a kind of machine takes the time.
"""

from __future__ import annotations

import logging
import os
import platform
import time
from typing import Protocol
from uuid import UUID

import torch
import transformers

from common.shapes import Message
from generation.batch import RollingBatch
from generation.captured import OFTEN
from generation.rendering import ChatTemplate
from sampler.engines._load import Loaded
from sampler.engines.base import Batching, Ended, Event, Failed, Job, Spec
from sampler.params import SamplingParams

logger = logging.getLogger(__name__)
SIZES = (8, 16, 32, 64, 128, 256)
SLOW_STEP = 0.5  # seconds: a reader notices tokens that come more slowly than this
TURNS = 2
PATIENCE = 20.0  # seconds for all of it: a machine too busy to be measured gets what is safe
SAFE_ROWS = 32
SAME = 0.05  # logits of captured and plain steps may be so far apart: kernels differ in the last digits
GAIN = 1.10  # twice the rows must bring so much more, static so much more than continuous
PROMPT = [
    Message(role="user", content="Say something about the weather in every season of the year, one after another.")
]


class Measured(Protocol):
    """The engine, as far as it is measured."""

    spec: Spec
    loaded: Loaded
    chat: ChatTemplate
    most: int  # rows for background samples
    static: bool

    def fresh_batch(self) -> RollingBatch: ...

    def decode_by(self, *, captured: bool) -> None: ...

    def add(self, job: Job) -> None: ...

    def step(self) -> list[Event]: ...


def fingerprint(engine: Measured) -> str:
    """What the outcome depends on."""
    facts = engine.loaded.provenance
    device = engine.loaded.model.device
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or platform.machine()
    return " ".join(
        map(str, (facts["device"], name, os.cpu_count(), torch.get_num_threads(), facts["dtype"],
                  transformers.__version__, torch.__version__))
    )  # fmt: skip


def settle(engine: Measured, known: Batching) -> Batching:
    """The batching to use: as an earlier load on such a machine found, or measured now."""
    mark = fingerprint(engine)
    told = known.get("rows") and known.get("way") in {"continuous", "static"}
    if told and (known.get("measured_on") == "any" or (known.get("measured_on") == mark and known.get("decoding"))):
        _run(engine, requests=1, rows=2, tokens=2)  # the first pass through a model is slow: not for a reader's eyes
        return known
    began = time.monotonic()
    captured, why_captured = measure_decoding(engine)
    steps = measure_steps(engine, until=began + PATIENCE)
    rows, why_rows = choose_rows(steps)
    speeds = measure_ways(engine, rows, until=began + PATIENCE)
    if speeds is None:
        logger.warning("%s: this machine is too busy to measure how to batch", engine.spec.slug)
        why = f"not measured: the machine was too busy within {PATIENCE:.0f} s of trying"
        return {"way": "continuous", "rows": max(rows, SAFE_ROWS), "why": why, "decoding": decoding(captured)}
    way, why_way = choose_way(speeds)
    return {
        "way": way,
        "rows": rows,
        "decoding": decoding(captured),
        "why": "; ".join(filter(None, [why_way, why_rows, why_captured])),
        "tokens_per_second": {k: round(v, 1) for k, v in speeds.items()},
        "step_seconds": {str(k): round(v, 4) for k, v in steps.items()},
        "measured_on": mark,
        "measured_in": round(time.monotonic() - began, 1),
    }


def decoding(captured: bool) -> str:
    return "captured" if captured else "plain"


@torch.inference_mode()
def measure_decoding(engine: Measured) -> tuple[bool, str]:
    """Whether decoding steps are captured as CUDA graphs from now on, and why: if it pays and they say the same."""
    if engine.loaded.model.device.type != "cuda":
        return False, ""
    try:
        engine.decode_by(captured=False)
        plain, expected = _steps(engine, SIZES[0])
        engine.decode_by(captured=True)
        captured, found = _steps(engine, SIZES[0])
    except RuntimeError as error:
        logger.warning("%s: decoding steps cannot be captured: %s", engine.spec.slug, error)
        captured, plain, found, expected = 1.0, 0.0, torch.zeros(1), torch.ones(1)
    far = float((found - expected).norm() / expected.norm())
    good = far < SAME and plain > GAIN * captured
    engine.decode_by(captured=good)
    return good, (
        f"a captured step of {SIZES[0]} rows took {captured * 1000:.1f} ms where a plain one took {plain * 1000:.1f}, "
        f"and their logits were {far:.1%} apart"
    )


def measure_ways(engine: Measured, rows: int, *, until: float) -> dict[str, float] | None:
    """Tokens per second of each way of batching; None where the time was up before."""
    speeds = {"continuous": 0.0, "static": 0.0}
    for _ in range(TURNS):  # turn about, and the best of each: others may use the machine meanwhile
        for way in speeds:
            if time.monotonic() > until:
                return None
            speeds[way] = max(speeds[way], measure_way(engine, static=way == "static", rows=rows))
    return speeds


def choose_rows(steps: dict[int, float]) -> tuple[int, str]:
    """The most rows whose step is not too slow, as long as doubling them still pays."""
    sizes = sorted(steps)
    best = sizes[0]
    for size in sizes[1:]:
        if steps[size] > SLOW_STEP or size / steps[size] < GAIN * best / steps[best]:
            break
        best = size
    return best, f"{best} rows take {steps[best] * 1000:.0f} ms a step, which is {best / steps[best]:.0f} tokens/s"


def choose_way(speeds: dict[str, float]) -> tuple[str, str]:
    way = "static" if speeds["static"] > GAIN * speeds["continuous"] else "continuous"
    other = "continuous" if way == "static" else "static"
    return way, f"{way} batching made {speeds[way]:.0f} tokens/s where {other} made {speeds[other]:.0f}"


def measure_steps(engine: Measured, *, until: float) -> dict[int, float]:
    """Seconds of a decoding step by number of rows; stops where a step gets slow or memory short."""
    out: dict[int, float] = {}
    _run(engine, requests=1, rows=2, tokens=2)
    for size in SIZES:
        if size > SIZES[0] and engine.loaded.model.device.type == "cpu" and size > 64:
            break
        try:
            out[size] = _steps(engine, size)[0]
        except torch.OutOfMemoryError:
            break
        if out[size] > SLOW_STEP or time.monotonic() > until:
            break
    return out


@torch.inference_mode()
def _steps(engine: Measured, size: int) -> tuple[float, torch.Tensor]:
    """Seconds of a step of so many rows, and the logits of the last steps."""
    batch = engine.fresh_batch()
    ids = engine.chat.render(PROMPT, max_tokens=8).ids
    _, past = batch.prefill(ids, None)
    batch.join(past, size)
    times, logits = [], []
    for number in range(OFTEN + 4):
        tokens = torch.full((size,), ids[number % len(ids)], device=engine.loaded.model.device)
        began = time.perf_counter()
        found = batch.decode(tokens)
        float(found[0, 0])  # reading a number waits for the device
        times.append(time.perf_counter() - began)
        logits.append(found[:2].float())
    return min(times[-3:]), torch.cat(logits[-3:])


def measure_way(engine: Measured, *, static: bool, rows: int) -> float:
    """Tokens per second over samples of different lengths, more of them than there are rows."""
    before = engine.most, engine.static
    engine.most, engine.static = max(4, min(rows, 16)), static
    try:
        tokens, seconds = _run(engine, requests=engine.most // 4 * 2, rows=4, tokens=10)
    finally:
        engine.most, engine.static = before
    return tokens / seconds


def _run(engine: Measured, *, requests: int, rows: int, tokens: int) -> tuple[int, float]:
    for number in range(requests):
        length = max(1, tokens * (1 + number % 2))
        params = SamplingParams(n=rows, max_tokens=length, seed=number, temperature=1.0)
        engine.add(Job(UUID(int=number), PROMPT, params))
    made, left, began = 0, requests, time.perf_counter()
    while left:
        for event in engine.step():
            if isinstance(event, Ended):
                made += sum(d.completion_tokens or 0 for d in event.drawn)
            left -= isinstance(event, Ended | Failed)
    return max(1, made), time.perf_counter() - began
