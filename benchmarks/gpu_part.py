"""One part of `benchmarks/gpu.py`, in a process of its own: python3 -m benchmarks.gpu_part PART DEVICE tiny|real

The engine is driven as a worker drives it, without a database: jobs in, events out.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import traceback
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from benchmarks import made_models
from benchmarks.bare import QUESTIONS, TOKENS, Bare, K
from benchmarks.gpu import PREFIX
from common.shapes import Message
from sampler.engines import hf
from sampler.engines._running import RunningRows
from sampler.engines.base import Batching, Delta, Ended, Failed, Job, Spec
from sampler.engines.hf import HfEngine
from sampler.params import SamplingParams

MANY = [f"{question} ({number})" for number in range(8) for question in QUESTIONS]
ROUNDS = 5
KEPT: dict[bool, RunningRows] = {}  # by whether steps are captured
SYSTEM = Message(role="system", content="")


def main(part: str, device: str, size: str) -> int:
    folder = Path(tempfile.mkdtemp(prefix="gpu-part-"))
    os.environ["SAMPLER_DEVICE"] = device
    os.environ.setdefault("SAMPLER_DTYPE", "bfloat16" if device == "cuda" else "float32")
    shape = "tiny" if size == "tiny" else part if part in made_models.SHAPES else "SmolLM2-135M"
    try:
        began = time.monotonic()
        made_models.save(folder, shape, device=device, dtype=getattr(torch, os.environ["SAMPLER_DTYPE"]))
        say(f"a model of the shape of {shape} made in {time.monotonic() - began:.1f} s")
        return {"workers": workers, "compiled": compiled}.get(part, model)(str(folder), shape, device)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def model(folder: str, part: str, device: str) -> int:
    """Speed, agreement and waiting times of one model."""
    began = time.monotonic()
    engine = hf.ENGINE.load(Spec(part, folder))
    say(f"loaded and measured in {time.monotonic() - began:.1f} s: {engine.batching()}")
    bare = Bare(folder, device)
    failures = 0
    steps: dict[str, Callable[[], object]] = {
        "waiting": lambda: waiting(engine, part),
        "8 prompts": lambda: turns(engine, bare, QUESTIONS, part, ROUNDS if "1.5B" not in part else 3),
        "64 prompts": lambda: turns(engine, bare, MANY, part, 1),
        "agreement with generate": lambda: agreement(engine, part),
    }
    for name, step in steps.items():
        failures += not tried(name, step)
    if device == "cuda":
        figure(f"{part}: most memory, GiB", torch.cuda.max_memory_allocated() / 2**30)
    return 1 if failures else 0


def turns(engine: HfEngine, bare: Bare, prompts: list[str], part: str, rounds: int) -> float:
    """Tokens per second of each way, turn about; the median of our way over the fastest bare one in each round.

    Ways that are slow are measured in the first rounds only.
    """
    every = len(prompts)
    at_once = min(every, 64)
    ways: dict[str, tuple[int, Callable[[int], float]]] = {
        "hf engine, steps captured": (rounds, lambda seed: by(engine, True, prompts, seed)),
        "hf engine, steps plain": (min(rounds, 2), lambda seed: by(engine, False, prompts, seed)),
        f"bare generate, {at_once} prompts at once": (rounds, lambda seed: bare.static(prompts, seed, at_once=at_once)),
        "bare generate_batch": (1, lambda seed: bare.generate_batch(prompts, seed)),
    }
    speeds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(-1, rounds):  # the first one warms up
        for name, (times, way) in ways.items():
            if number >= times or (number < 0 and "plain" in name):
                continue
            try:
                speed = way(number + 1)
            except Exception as error:
                say(f"{name}: not measured: {type(error).__name__}: {str(error)[:300]}")
                continue
            say(f"{every} prompts, round {number}, {name}: {speed:.1f} tokens/s")
            if number >= 0:
                speeds[name].append(speed)
    engine.decode_by(captured=engine.batching().get("decoding") == "captured")
    return compared(f"{part}: {every} x {K} x {TOKENS}", speeds)


def compared(label: str, speeds: dict[str, list[float]]) -> float:
    """Figures of what was measured; the better of our two ways over the fastest bare one, median over the rounds."""
    found = {name: each for name, each in speeds.items() if each}
    for name, each in found.items():
        figure(f"{label}, {name}, tokens/s, median of {len(each)}", statistics.median(each))
    fastest = max((each for name, each in found.items() if "bare" in name), key=statistics.median)
    medians = [0.0]
    for name, own in found.items():
        if "bare" not in name:
            ratios = [mine / theirs for mine, theirs in zip(own, fastest, strict=False)]
            medians.append(statistics.median(ratios))
            figure(f"{label}, {name}, over the fastest bare way, median of {len(ratios)}", medians[-1])
            figure(f"{label}, {name}, over the fastest bare way, least", min(ratios))
    return max(medians)


def by(engine: HfEngine, captured: bool, prompts: list[str], seed: int) -> float:
    """The engine's speed with its steps captured or not; what was captured is kept for the next time."""
    if engine.captured != captured:
        KEPT[engine.captured] = engine.running
        engine.decode_by(captured=captured)
        engine.running = KEPT.get(captured, engine.running)
    return ours(engine, prompts, seed)


def ours(engine: HfEngine, prompts: list[str], seed: int) -> float:
    params = [SamplingParams(n=K, max_tokens=TOKENS, seed=1000 * seed + at) for at in range(len(prompts))]
    jobs = [
        Job(uuid.uuid4(), [SYSTEM, Message(role="user", content=prompt)], one)
        for prompt, one in zip(prompts, params, strict=True)
    ]
    began = time.perf_counter()
    for job in jobs:
        engine.add(job)
    total, left = 0, len(jobs)
    while left:
        for event in engine.step():
            if isinstance(event, Failed):
                raise RuntimeError(event.reason)
            if isinstance(event, Ended):
                left -= 1
                total += sum(one.completion_tokens or 0 for one in event.drawn)
    return total / (time.perf_counter() - began)


def waiting(engine: HfEngine, part: str) -> None:
    """Until an interactive sample shows its first token: alone, and while the batch is full."""
    idle = [first_token(engine) for _ in range(10)]
    background = [
        Job(uuid.uuid4(), [Message(role="user", content=question)], SamplingParams(n=K, max_tokens=1500, seed=at))
        for at, question in enumerate((QUESTIONS * 9)[: -(-engine.most // K)])
    ]
    for job in background:
        engine.add(job)
    for _ in range(20):
        engine.step()
    steps = []
    for _ in range(20):
        began = time.perf_counter()
        engine.step()
        steps.append(time.perf_counter() - began)
    busy = [first_token(engine) for _ in range(10)]
    running = engine.room().running
    engine.give_back()
    wait, step = statistics.median(idle), statistics.median(steps)
    figure(f"{part}: first token, idle, ms", wait * 1000)
    figure(f"{part}: first token under load of {running} samples, ms", statistics.median(busy) * 1000)
    figure(f"{part}: a step under that load, ms", step * 1000)
    figure(f"{part}: steps that load adds to the first token", (statistics.median(busy) - wait) / step)


def first_token(engine: HfEngine) -> float:
    params = SamplingParams(max_tokens=6, seed=1)
    job = Job(uuid.uuid4(), [Message(role="user", content="Hello.")], params, interactive=True)
    began = time.perf_counter()
    engine.add(job)
    seconds = 0.0
    while True:
        for event in engine.step():
            if isinstance(event, Delta) and event.job_id == job.id and not seconds:
                seconds = time.perf_counter() - began
            if isinstance(event, Ended) and event.job_id == job.id:
                return seconds


def agreement(engine: HfEngine, part: str) -> None:
    """Greedy texts against `generate`, together in one batch; ties may part them in 16 bits."""
    from tests.gpu import engines

    jobs = [engines.job(text, temperature=0) for text in engines.PROMPTS]
    texts = [samples[0].text for samples in engines.drawn(engine, jobs)]
    gaps = [
        engines.parting(text, *engines.generated(engine, prompt, 24))
        for text, prompt in zip(texts, engines.PROMPTS, strict=True)
    ]
    parted = [gap for gap in gaps if gap is not None]
    figure(f"{part}: greedy texts of {len(gaps)} that are those of generate", len(gaps) - len(parted))
    figure(f"{part}: where texts part, the best token led by at most", max(parted, default=0.0))


def compiled(folder: str, part: str, device: str) -> int:
    """`generate` with a static cache, whose decoding step transformers compiles on a GPU."""
    bare = Bare(folder, device)
    for number in range(3):
        speed = bare.static(QUESTIONS, number, cache="static")
        say(f"round {number}: {speed:.1f} tokens/s")
    figure(f"{part}: 8 x {K} x {TOKENS}, bare generate with a static cache, compiled, tokens/s", speed)
    return 0


def workers(folder: str, part: str, device: str) -> int:
    """Two processes on one device, beside one alone: tokens per second of all together."""
    alone = sum(both(folder, device, 1))
    together = sum(both(folder, device, 2))
    figure(f"{part}: one worker on the device, tokens/s", alone)
    figure(f"{part}: two workers on the device, tokens/s together", together)
    return 0


def both(folder: str, device: str, number: int) -> list[float]:
    command = [sys.executable, "-c", "import sys; from benchmarks import gpu_part; gpu_part.one_worker(*sys.argv[1:])"]
    running = [subprocess.Popen([*command, folder, device], stdout=subprocess.PIPE, text=True) for _ in range(number)]
    return [float(process.communicate(timeout=60)[0].split()[-1]) for process in running]


def one_worker(folder: str, device: str) -> None:
    batching: Batching = {"way": "continuous", "rows": 32, "why": "a benchmark", "measured_on": "any"}
    batching["decoding"] = "captured"
    engine = hf.ENGINE.load(Spec("worker", folder, batching=batching))
    ours(engine, QUESTIONS, 0)
    print(statistics.median(ours(engine, QUESTIONS, seed) for seed in range(1, 6)))


def tried(name: str, step: Callable[[], object]) -> bool:
    with told(name):
        step()
        return True
    return False


@contextlib.contextmanager
def told(name: str) -> Iterator[None]:
    """An error is printed and ends this step alone."""
    began = time.monotonic()
    try:
        yield
    except Exception:
        say(f"{name}: FAILED\n{traceback.format_exc()}")
    say(f"{name}: {time.monotonic() - began:.1f} s")


def figure(name: str, value: float) -> None:
    print(f"{PREFIX}{name} {value:.4f}", flush=True)


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
