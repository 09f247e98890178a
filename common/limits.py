"""How far a compressed file may grow as it is read."""

from __future__ import annotations

FREE_BYTES = 64 << 20  # may come out of any compressed file
MOST_GROWTH = 200  # beyond that; repetitive text packs to a hundredth at most


class TooLarge(ValueError):
    """More data than is taken; the message is a sentence for whoever sent it."""


def check_growth(*, packed: int, unpacked: int) -> None:
    """Called as a compressed file is read: `unpacked` bytes came out of `packed` so far.

    Raises:
        TooLarge: far more came out than text can be packed to.
    """
    if unpacked > FREE_BYTES and unpacked > MOST_GROWTH * packed:
        raise TooLarge(f"The file unpacks to over {MOST_GROWTH} times its size, as a decompression bomb does.")
