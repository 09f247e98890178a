"""No prompt in two splits: which test prompts have an equal or nearly equal one in train.

Splits are stored with each dialogue and comparison and never change; where they part two prompts
that say nearly the same, the test rows are left out and counted. Prompts are compared by MinHash:
one-permutation hashing over 5-byte shingles of the first user turn, without case, punctuation and
spacing. Prompts that differ in a number are two questions, however alike the rest. The sketches of
test are held (about 300 bytes each), those of train stream past.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from exports.snapshot import Snapshot

BINS = 64
BANDS = 16  # of 4 bins each: prompts that share a band are compared
SHINGLE = 5
COMPARED = 600  # characters of the first user turn
NEARLY = 0.7  # share of equal bins from which two prompts count as one
_BATCH = 500
_EMPTY = np.uint32(0xFFFFFFFF)
_WORDS = re.compile(r"[\W_]+")
_NUMBERS = re.compile(r"\d+")
_ASCII_WORDS = bytes(c if chr(c).isalnum() and c < 128 else 32 for c in range(256))
_ASCII_NUMBERS = bytes(c if 48 <= c < 58 else 32 for c in range(256))

Array = npt.NDArray[Any]

_FIRST = "left(jsonb_path_query_first({column}, '$[*] ? (@.role == \"user\").content') #>> '{{}}', 1000)"
_PROMPTS = f"""
    SELECT key, text FROM (
        SELECT c.prompt_key AS key, {_FIRST.format(column="c.prompt")} AS text FROM labeling_comparison c
        WHERE c.project_id = %(project)s AND c.created_at <= %(cutoff)s AND c.split = %(split)s
        UNION ALL
        SELECT d.prompt_key, (SELECT left(t.text, 1000) FROM labeling_turn t
                              WHERE t.dialogue_id = d.id AND t.role = 'user' ORDER BY t.position LIMIT 1)
        FROM labeling_dialogue d
        WHERE d.project_id = %(project)s AND d.submitted_at <= %(cutoff)s AND d.split = %(split)s
    ) prompts WHERE text IS NOT NULL
"""


def leaks(view: Snapshot, params: dict[str, Any]) -> frozenset[str]:
    """Keys of the test prompts to leave out."""
    held = _sketches(view, {**params, "split": "test"})
    keys: list[str] = []
    parts: list[Array] = []
    for some, sketches in held:
        keys += some
        parts.append(sketches)
    if not keys:
        return frozenset()
    index = Index(np.concatenate(parts))
    found: set[str] = set()
    test_keys = set(keys)
    for some, sketches in _sketches(view, {**params, "split": "train"}):
        found |= test_keys.intersection(some)
        found |= {keys[i] for i in index.near(sketches)}
    return frozenset(found)


def _sketches(view: Snapshot, params: dict[str, Any]) -> Iterator[tuple[list[str], Array]]:
    rows = view.walk(_PROMPTS, params)
    while batch := list(islice(rows, _BATCH)):
        yield [key for key, _ in batch], sketch([text for _, text in batch])


def sketch(texts: list[str]) -> Array:
    """One row for each text: BINS numbers, and one of the numbers that the text names."""
    encoded = []
    for text in texts:
        data = _words(text[:COMPARED]) or text.encode()[:COMPARED]
        encoded.append(data if len(data) >= SHINGLE else data.ljust(SHINGLE))
    joined = np.frombuffer(b"".join(encoded), dtype=np.uint8).astype(np.uint64)
    lengths = np.array([len(data) for data in encoded])
    count = len(joined) - SHINGLE + 1
    hashed = np.zeros(count, dtype=np.uint64)
    for offset in range(SHINGLE):
        hashed = hashed * np.uint64(257) + joined[offset : offset + count]
    hashed = (hashed ^ (hashed >> np.uint64(23))) * np.uint64(0x9E3779B97F4A7C15)
    hashed = (hashed ^ (hashed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    ends = np.cumsum(lengths)
    owner = np.repeat(np.arange(len(texts)), lengths)[:count]
    whole = np.arange(count) + SHINGLE <= ends[owner]  # not running over into the next text
    owner, hashed = owner[whole], hashed[whole]
    result = np.full((len(texts), BINS), _EMPTY, dtype=np.uint32)
    place = owner * BINS + (hashed >> np.uint64(58)).astype(np.int64)
    np.minimum.at(result.reshape(-1), place, (hashed & np.uint64(0x7FFFFFFF)).astype(np.uint32))
    empty = result == _EMPTY
    while empty.any():  # an empty bin borrows from its neighbour, as all sketches do alike
        result = np.where(empty, np.roll(result, -1, axis=1), result)
        empty = result == _EMPTY
    numbers = [zlib.crc32(_numbers(text)) for text in texts]
    return np.column_stack([result, np.array(numbers, dtype=np.uint32)])


def _words(text: str) -> bytes:
    """Without case, punctuation and spacing."""
    if text.isascii():  # the same, several times as fast
        return b" ".join(text.encode().lower().translate(_ASCII_WORDS).split())
    return _WORDS.sub(" ", text.casefold()).strip().encode("utf-8", "replace")


def _numbers(text: str) -> bytes:
    """The numbers that it names."""
    if text.isascii():
        return b" ".join(text.encode().translate(_ASCII_NUMBERS).split())
    return " ".join(_NUMBERS.findall(text)).encode()


class Index:
    """Finds sketches that are nearly equal to given ones."""

    def __init__(self, sketches: Array) -> None:
        self._sketches = sketches
        bands = _bands(sketches)
        self._order = [np.argsort(bands[:, band], kind="stable") for band in range(BANDS)]
        self._sorted = [bands[order, band] for band, order in enumerate(self._order)]

    def near(self, sketches: Array) -> set[int]:
        """Which of the index's sketches are near any of these."""
        found: set[int] = set()
        bands = _bands(sketches)
        for band in range(BANDS):
            place = np.searchsorted(self._sorted[band], bands[:, band], "left")
            met = self._sorted[band][np.minimum(place, len(self._sorted[band]) - 1)] == bands[:, band]
            for row in np.nonzero(met)[0]:
                end = np.searchsorted(self._sorted[band], bands[row, band], "right")
                held = self._order[band][place[row] : end]
                same = (self._sketches[held] == sketches[row]).mean(axis=1)
                found.update(int(i) for i in held[same >= NEARLY])
        return found


def _bands(sketches: Array) -> Array:
    """Each band of a sketch as one number."""
    parts = sketches[:, :BINS].reshape(len(sketches), BANDS, BINS // BANDS).astype(np.uint64)
    result = np.repeat(sketches[:, BINS:].astype(np.uint64), BANDS, axis=1)
    for column in range(BINS // BANDS):
        result = (result ^ parts[:, :, column]) * np.uint64(0x9E3779B97F4A7C15)
        result ^= result >> np.uint64(31)
    return result
