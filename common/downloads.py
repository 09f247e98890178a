"""Big files as answers, in constant memory.

Django's FileResponse, served by ASGI, reads a whole file into a list first; this one hands on block
by block from a thread.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Protocol

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse

BLOCK = 1 << 18


class Blocks(Protocol):
    """What can be read from the front and closed."""

    def read(self, size: int, /) -> bytes | None: ...

    def close(self) -> None: ...


class Download(StreamingHttpResponse):
    """`file`, from where it stands to its end; closed when the answer ends or the client leaves."""

    def __init__(self, file: Blocks, *, filename: str, size: int | None = None, status: int = 200) -> None:
        self._file = file
        super().__init__(self._blocks(), status=status, content_type="application/octet-stream")
        self.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
        if size is not None:
            self.headers["Content-Length"] = str(size)
        self._resource_closers.append(file.close)  # type: ignore[attr-defined]

    def _blocks(self) -> Iterator[bytes]:
        while block := self._file.read(BLOCK):
            yield block

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while block := await sync_to_async(self._file.read, thread_sensitive=False)(BLOCK):
            yield block
