"""What an assistant can run without Django."""

import os
from collections.abc import Iterator


def numbers(until: int) -> Iterator[int]:
    """Its own process id, the numbers, and then an error."""
    yield os.getpid()
    yield from range(until)
    raise ValueError(f"no number {until}")
