"""Processes that help one export: light ones, without Django, that live as long as the export does.

`started(function, arguments)` runs a module-level generator function in a process of its own; what it
yields comes back, pickled, through a pipe. A process that falls behind or ahead waits at its pipe, so
nothing piles up in memory. An error in it is raised where its answers are read.
"""

from __future__ import annotations

import fcntl
import gc
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PIPE = 1 << 20  # bytes that an assistant may be ahead
_END = "end"


@contextmanager
def started(function: Callable[..., Iterator[Any]], *arguments: Any) -> Iterator[Iterator[Any]]:
    """What `function(*arguments)` yields in a process of its own, which ends with this block."""
    process = subprocess.Popen(
        [sys.executable, "-m", __name__],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        with suppress(OSError):
            fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, PIPE)  # refused where a user's pipes take too much
        pickle.dump((function, arguments), process.stdin, pickle.HIGHEST_PROTOCOL)
        process.stdin.close()
        yield _answers(process.stdout)
    finally:
        process.kill()
        process.stdout.close()
        process.wait()


def _answers(pipe: Any) -> Iterator[Any]:
    while True:
        try:
            kind, value = pickle.load(pipe)
        except EOFError:
            raise RuntimeError("A process that helped with the export was killed.") from None
        if kind == _END:
            if value is not None:
                raise value
            return
        yield value


def main() -> None:
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a stray print must not end up between the answers
    gc.disable()  # what is made for a row refers to nothing that refers to it
    error: BaseException | None = None
    try:
        function, arguments = pickle.load(sys.stdin.buffer)
        for value in function(*arguments):
            pickle.dump(("value", value), answers, pickle.HIGHEST_PROTOCOL)
            answers.flush()
    except BrokenPipeError:
        return  # nobody waits any more
    except Exception as raised:
        error = raised
    with suppress(BrokenPipeError):
        pickle.dump((_END, error), answers, pickle.HIGHEST_PROTOCOL)
        answers.flush()


if __name__ == "__main__":
    main()
