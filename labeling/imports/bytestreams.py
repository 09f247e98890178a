"""Bytes of a file on their way to `reading.py`: any file object as a raw stream, unpacked, or brought to UTF-8."""

from __future__ import annotations

import codecs
import gzip
import io
from typing import IO, TYPE_CHECKING

from common import limits
from labeling.imports.records import Unreadable

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BLOCK = 1 << 16
_UNKNOWN = chr(0xDCFF)  # stands for a byte that is not in the encoding: no UTF-8 text can hold it


class Plain(io.RawIOBase):
    """Any binary file object as a raw one, so that it can be buffered and peeked into."""

    def __init__(self, file: IO[bytes] | gzip.GzipFile) -> None:
        self._source = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        data = self._source.read(len(view))
        view[: len(data)] = data
        return len(data)


class Gunzip(Plain):
    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(gzip.GzipFile(fileobj=file))
        self._packed = file
        self._unpacked = 0

    def readinto(self, buffer: WriteableBuffer) -> int:
        try:
            read = super().readinto(buffer)
        except (OSError, EOFError) as error:
            raise Unreadable(f"The gzip file is damaged: {error}.") from None
        self._unpacked += read
        try:
            limits.check_growth(packed=self._packed.tell(), unpacked=self._unpacked)
        except limits.TooLarge as error:
            raise Unreadable(str(error)) from None
        return read


class Recoded(io.RawIOBase):
    """Text of another encoding as UTF-8. What is not in the encoding becomes what is not UTF-8, so that it is found in
    the line where it stands."""

    def __init__(self, source: io.BufferedReader, encoding: str) -> None:
        self._source = source
        self._decoder = codecs.getincrementaldecoder(encoding)(errors="duologue_unknown")
        self._held = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        while not self._held:
            data = self._source.read(BLOCK)
            self._held = self._decoder.decode(data, final=not data).encode("utf-8", "surrogatepass")
            if not data:
                break
        part, self._held = self._held[: len(view)], self._held[len(view) :]
        view[: len(part)] = part
        return len(part)


def _unknown(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return _UNKNOWN, error.end


codecs.register_error("duologue_unknown", _unknown)
