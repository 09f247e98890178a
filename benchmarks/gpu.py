"""The hf engine on a GPU beside bare transformers, and the tests marked `gpu`; needs no Django and no database.

    python3 -m benchmarks.gpu [--seconds N] [--only PART …] [--cpu --tiny]

Needs torch, transformers and pytest. Models of known shapes are made with random weights, so that nothing has to be
brought. Each part runs in a process of its own with a limit of its own: one that fails or hangs leaves the others
alone. Everything ends within N seconds (default 720). `--cpu --tiny` tries the script itself on a CPU with a tiny
model; its figures say nothing of a GPU. Every figure is printed when it is known; the last line is JSON.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = {  # but for the one of speed: its figures are those of the other parts
    "memory": ["tests/gpu/test_memory.py", "-k", "out_of_memory or captured"],
    "tests": ["tests/gpu", "--ignore", "tests/gpu/test_speed.py", "-k", "not out_of_memory"],
}
PREFIX = "FIGURE "
PARTS = {
    "memory": 90,
    "SmolLM2-135M": 140,
    "Qwen2.5-1.5B": 150,
    "workers": 80,
    "tests": 90,
    "compiled": 160,
}  # seconds, at most


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=int, default=720, help="no part runs longer than until then")
    parser.add_argument("--only", nargs="*", default=list(PARTS), choices=list(PARTS), help="these parts")
    parser.add_argument("--cpu", action="store_true", help="try the script on a CPU")
    parser.add_argument("--tiny", action="store_true", help="with a tiny model in every place")
    options = parser.parse_args()
    device = "cpu" if options.cpu else "cuda"
    until = time.monotonic() + options.seconds
    print(machine(device), flush=True)
    figures: dict[str, float] = {}
    failed = []
    for part in options.only:
        left = min(PARTS[part], until - time.monotonic())
        if left < 5:
            print(f"{part}: not run, the time is up", flush=True)
            failed.append(part)
            continue
        code, found = run(part, command(part, device, options.tiny), left, device)
        figures |= found
        failed += [part] if code else []
    if importlib.util.find_spec("vllm") is None:
        print("vLLM beside the hf engine: not run, vllm cannot be imported here", flush=True)
    print(f"\nfailed: {', '.join(failed) or 'none'}")
    print(json.dumps({name: round(value, 4) for name, value in figures.items()}))
    return 1 if failed else 0


def machine(device: str) -> str:
    import torch
    import transformers

    name = torch.cuda.get_device_name() if device == "cuda" and torch.cuda.is_available() else "the CPU"
    return (
        f"on {name}; {os.cpu_count()} cores; Python {sys.version.split()[0]}, torch {torch.__version__}, "
        f"transformers {transformers.__version__}"
    )


def command(part: str, device: str, tiny: bool) -> list[str]:
    if part in TESTS:
        return [
            sys.executable, "-m", "pytest", "-c", "tests/gpu/pytest.ini", "--rootdir", ".", "--noconftest",
            *TESTS[part], "-s", "-v", "--durations=8", "--tb=short",
        ]  # fmt: skip
    return [sys.executable, "-m", "benchmarks.gpu_part", part, device, "tiny" if tiny else "real"]


def run(part: str, command: list[str], seconds: float, device: str) -> tuple[int, dict[str, float]]:
    """A part's exit code and figures; its output is shown as it comes."""
    print(f"\n== {part} (at most {seconds:.0f} s)", flush=True)
    began = time.monotonic()
    environment = {**os.environ, "GPU_TESTS_ON": device, "PYTHONUNBUFFERED": "1", "HF_HUB_OFFLINE": "1"}
    environment |= {"OMP_WAIT_POLICY": "passive", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    process = subprocess.Popen(
        ["timeout", "--kill-after=3", f"{seconds:.0f}", *command], cwd=ROOT, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    figures: dict[str, float] = {}
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(PREFIX):
            name, value = line.removeprefix(PREFIX).rsplit(" ", 1)
            figures[name] = float(value)
        print(line, end="", flush=True)
    code = process.wait()
    ending = {0: "done", 124: "stopped at its limit", 137: "stopped at its limit"}.get(code, f"FAILED with {code}")
    print(f"== {part}: {ending} after {time.monotonic() - began:.0f} s", flush=True)
    return code, figures


if __name__ == "__main__":
    sys.exit(main())
