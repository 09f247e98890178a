"""Tokens become text as they come: what may be shown now, and whether a stop string was met. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence


class TextStream:
    """Text of one sample.

    Text that might still become a stop string, and bytes that are not yet a whole character, are held back.
    """

    def __init__(self, decode: Callable[[list[int]], str], stop: Sequence[str] = ()) -> None:
        self.decode = decode
        self.stop = tuple(stop)
        self.ids: list[int] = []
        self.text = ""  # everything decided: shown or about to be
        self.shown = 0
        self._fixed = 0  # ids up to here are in `_base`
        self._base = ""
        self.stopped = False

    def push(self, token: int) -> str:
        """Take one token; return the new text that may be shown."""
        self.ids.append(token)
        tail = self.decode(self.ids[self._context() :])
        head = self.decode(self.ids[self._context() : self._fixed])
        if tail.endswith("\ufffd"):
            return ""
        self._base += tail[len(head) :]
        self._fixed = len(self.ids)
        return self._decide(final=False)

    def _context(self) -> int:
        """Decoding starts some tokens earlier, since a token's text can depend on what stands before it."""
        return max(0, self._fixed - 4)

    def finish(self) -> str:
        """The text held back, once no more tokens come."""
        if self._fixed < len(self.ids) and not self.stopped:
            start = self._context()
            head = self.decode(self.ids[start : self._fixed])
            self._base += self.decode(self.ids[start:])[len(head) :].rstrip("\ufffd")
            self._fixed = len(self.ids)
        return self._decide(final=True)

    def _decide(self, *, final: bool) -> str:
        if self.stopped:
            return ""
        found = [at for s in self.stop if (at := self._base.find(s, max(0, self.shown - len(s)))) >= 0]
        if found:
            self.stopped = True
            upto = min(found)
        else:
            upto = len(self._base) if final else len(self._base) - self._held()
        new = self._base[self.shown : upto]
        self.shown = max(self.shown, upto)
        self.text = self._base[: self.shown]
        return new

    def _held(self) -> int:
        """Length of the longest ending that is the beginning of a stop string."""
        longest = 0
        for stop in self.stop:
            for size in range(min(len(stop) - 1, len(self._base)), longest, -1):
                if self._base.endswith(stop[:size]):
                    longest = size
                    break
        return longest
