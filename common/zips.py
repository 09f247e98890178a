"""A zip that is made while it is read, so that a folder of any size is sent in constant memory."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

BLOCK = 1 << 18
PACKED = (".gz", ".zst", ".parquet")  # files that deflating would not make smaller


class _Sink(io.RawIOBase):
    """Holds what was written until it is taken. It cannot seek, so `zipfile` writes sizes after each file."""

    def __init__(self) -> None:
        self._held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer) -> int:
        block = bytes(data)
        self._held += block
        return len(block)

    def take(self) -> bytes:
        taken = bytes(self._held)
        self._held.clear()
        return taken


class ZipStream(io.RawIOBase):
    """Files, each with its name in the zip and how it is opened, as one zip to be read from the front."""

    def __init__(self, files: Iterable[tuple[str, Callable[[], IO[bytes]]]], *, at: datetime) -> None:
        self._blocks = _blocks(files, at)
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill as much of `buffer` as there is just now; 0 at the end.

        Raises:
            FileNotFoundError: a file has gone meanwhile.
        """
        while not self._rest and (block := next(self._blocks, None)) is not None:
            self._rest = block
        view = memoryview(buffer).cast("B")
        taken, self._rest = self._rest[: len(view)], self._rest[len(view) :]
        view[: len(taken)] = taken
        return len(taken)


def _blocks(files: Iterable[tuple[str, Callable[[], IO[bytes]]]], at: datetime) -> Iterator[bytes]:
    sink = _Sink()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, opened in files:
            about = zipfile.ZipInfo(name, at.timetuple()[:6])
            about.compress_type = zipfile.ZIP_STORED if name.endswith(PACKED) else zipfile.ZIP_DEFLATED
            about.external_attr = 0o644 << 16
            with opened() as source, archive.open(about, "w", force_zip64=True) as entry:
                while block := source.read(BLOCK):
                    entry.write(block)
                    yield sink.take()
    yield sink.take()
