"""Nearly equal texts by MinHash: one-permutation hashing over 5-byte shingles, without case, punctuation and spacing.
Texts that differ in a number are two, however alike the rest.

Why this is not datasketch: docs/decisions/0009-near-duplicates-without-datasketch.md.
"""

from __future__ import annotations

import re
import zlib
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

BINS = 64
BANDS = 16  # of 4 bins each: prompts that share a band are compared
SHINGLE = 5
COMPARED = 600  # characters of the first user turn
NEARLY = 0.7  # share of equal bins from which two prompts count as one
_BLOCK = 1 << 16
_EMPTY = np.uint32(0xFFFFFFFF)
_WORDS = re.compile(r"[\W_]+")
_NUMBERS = re.compile(r"\d+")
_SPACE = 32
_ASCII_WORDS = bytes(c if c > 127 else ord(chr(c).lower()) if chr(c).isalnum() else _SPACE for c in range(256))
_ASCII_NUMBERS = bytes(c if 48 <= c < 58 else _SPACE for c in range(256))

Numbers: TypeAlias = npt.NDArray[np.uint32]
Bytes: TypeAlias = npt.NDArray[np.uint8]
Lengths: TypeAlias = npt.NDArray[np.intp]


def sketch(texts: list[str]) -> Numbers:
    """One row for each text: BINS numbers, and one of the numbers that the text names."""
    joined, lengths = _words([text[:COMPARED] for text in texts])
    result = _minima(joined, lengths)
    ends = np.cumsum(lengths)
    for row in np.nonzero(lengths <= SHINGLE)[0]:  # a short word, or nothing but punctuation
        word = joined[ends[row] - lengths[row] : ends[row]].tobytes().strip() or texts[row].encode()[:COMPARED]
        padded = np.frombuffer(word.ljust(SHINGLE) + b" ", dtype=np.uint8)
        result[row] = _minima(padded, np.array([len(padded)]))[0]
    numbers = [zlib.crc32(_numbers(text)) for text in texts]
    return np.column_stack([result, np.array(numbers, dtype=np.uint32)])


def _words(texts: list[str]) -> tuple[Bytes, Lengths]:
    """The words of the texts without case and punctuation, a space after each word; how many bytes each text has."""
    encoded = [
        text.encode() if text.isascii() else _WORDS.sub(" ", text.casefold()).encode("utf-8", "replace")
        for text in texts
    ]
    joined = np.frombuffer(b" ".join([*encoded, b""]).translate(_ASCII_WORDS), dtype=np.uint8)
    space = joined == _SPACE
    kept = ~space
    kept[1:] |= ~space[:-1]  # of several spaces the first, which is the one after a word
    owner = np.repeat(np.arange(len(texts)), [len(data) + 1 for data in encoded])
    return joined[kept], np.bincount(owner[kept], minlength=len(texts))


def _minima(joined: Bytes, lengths: Lengths) -> Numbers:
    """The smallest hash of each bin over the shingles of each text, its last space aside. A text that is too short
    for any has zeros."""
    count = max(len(joined) - SHINGLE + 1, 0)
    hashed = np.zeros(count, dtype=np.uint64)
    for offset in range(SHINGLE):
        hashed = hashed * np.uint64(257) + joined[offset : offset + count]
    hashed = (hashed ^ (hashed >> np.uint64(23))) * np.uint64(0x9E3779B97F4A7C15)
    hashed = (hashed ^ (hashed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    owner = np.repeat(np.arange(len(lengths)), lengths)[:count]
    whole = np.arange(count) + SHINGLE < np.cumsum(lengths)[owner]  # not running over into the next text
    owner, hashed = owner[whole], hashed[whole]
    result = np.full((len(lengths), BINS), _EMPTY, dtype=np.uint32)
    place = owner * BINS + (hashed >> np.uint64(58)).astype(np.int64)
    np.minimum.at(result.reshape(-1), place, (hashed & np.uint64(0x7FFFFFFF)).astype(np.uint32))
    result[lengths <= SHINGLE] = 0
    rows, bins = np.nonzero(result == _EMPTY)
    while len(rows):  # an empty bin borrows from its neighbour, as all sketches do alike
        result[rows, bins] = result[rows, (bins + 1) % BINS]
        still = result[rows, bins] == _EMPTY
        rows, bins = rows[still], bins[still]
    return result


def _numbers(text: str) -> bytes:
    """The numbers that it names."""
    if text.isascii():
        return b" ".join(text.encode().translate(_ASCII_NUMBERS).split())
    return " ".join(_NUMBERS.findall(text)).encode()


class Index:
    """Finds sketches that are nearly equal to given ones."""

    def __init__(self, *parts: Numbers) -> None:
        self._packed, self._bands = bytearray(), bytearray()
        for part in parts:
            self.add(part)
        if parts:
            self.close()

    def add(self, sketches: Numbers) -> None:
        """Hold these: 16 bits of each number are enough to tell two apart once a whole band is equal."""
        self._packed += sketches.astype(np.uint16).tobytes()
        self._bands += _bands(sketches).tobytes()

    def close(self) -> None:
        """Everything is added."""
        self._sketches = np.frombuffer(self._packed, dtype=np.uint16).reshape(-1, BINS + 1)
        bands = np.frombuffer(self._bands, dtype=np.uint64)
        del self._bands
        order = np.argsort(bands).astype(np.int32)
        self._sorted = bands[order]
        del bands
        self._row = order // BANDS
        # Most bands are near none, and this says so at once: a bit for each, few of them set.
        self._mask = np.uint64((1 << (len(order) * 8).bit_length()) - 1)
        self._seen = np.zeros(int(self._mask) // 8 + 1, dtype=np.uint8)
        for begin in range(0, len(order), _BLOCK):
            place = self._sorted[begin : begin + _BLOCK] & self._mask
            np.bitwise_or.at(self._seen, place >> np.uint64(3), np.uint8(1) << (place & np.uint64(7)).astype(np.uint8))

    def near(self, sketches: Numbers) -> set[int]:
        """Which of the index's sketches are near any of these."""
        found: set[int] = set()
        bands = _bands(sketches).reshape(-1)
        bit = bands & self._mask
        likely = np.nonzero(self._seen[bit >> np.uint64(3)] >> (bit & np.uint64(7)).astype(np.uint8) & 1)[0]
        begins = np.searchsorted(self._sorted, bands[likely], "left")
        ends = np.searchsorted(self._sorted, bands[likely], "right")
        for place in np.nonzero(begins < ends)[0]:
            held = self._row[begins[place] : ends[place]]
            same = (self._sketches[held] == sketches[likely[place] // BANDS].astype(np.uint16)).mean(axis=1)
            found.update(int(i) for i in held[same >= NEARLY])
        return found


def _bands(sketches: Numbers) -> npt.NDArray[np.uint64]:
    """Each band of a sketch as one number, which says which band it is too."""
    parts = sketches[:, :BINS].reshape(len(sketches), BANDS, BINS // BANDS).astype(np.uint64)
    result = np.repeat(sketches[:, BINS:].astype(np.uint64), BANDS, axis=1) ^ (
        np.arange(BANDS, dtype=np.uint64) << np.uint64(32)
    )
    for column in range(BINS // BANDS):
        result = (result ^ parts[:, :, column]) * np.uint64(0x9E3779B97F4A7C15)
        result ^= result >> np.uint64(31)
    return result
